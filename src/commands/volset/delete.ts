import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { deletedVolsetLines } from '../../cli/render/edits.ts';

export default class VolsetDelete extends BaseCommand {
  static override summary = 'Delete a volume set with all its branches, here and with the next sync elsewhere.';
  static override description =
    'One that has snapshots needs --force, and the one of the working directory that you stand in is refused. What another store edits meanwhile brings it back there, as a conflict. Frees no space.';
  static override examples = [
    'plait --store /srv/plait volset delete scratch',
    'plait --store /srv/plait volset delete results --force',
  ];
  static override args = { name: Args.string({ required: true, description: 'its name or id' }) };
  static override flags = { force: Flags.boolean({ summary: 'also when it has snapshots' }) };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(VolsetDelete);
    const engine = await this.context.engine();
    const { deleteVolset } = await import('../../sync/volset-edit.ts');
    const { result } = await deleteVolset(engine, args.name, flags.force);
    return { result, text: () => deletedVolsetLines(result.deleted) };
  }
}
