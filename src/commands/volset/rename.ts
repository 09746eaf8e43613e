import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class VolsetRename extends BaseCommand {
  static override summary = 'Rename a volume set; the new name travels with the next sync.';
  static override examples = ['plait volset rename results measurements'];
  static override args = {
    old: Args.string({ required: true, description: 'its name or id' }),
    new: Args.string({ required: true, description: 'its new name' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(VolsetRename);
    const engine = await this.context.engine();
    const { renameVolset } = await import('../../sync/volset-edit.ts');
    const { result } = await renameVolset(engine, args.old, args.new);
    return { result, text: `volume set ${args.old} is now ${args.new}` };
  }
}
