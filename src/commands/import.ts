import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { importLines } from '../cli/render/snapshot.ts';

export default class Import extends BaseCommand {
  static override summary = 'Read snapshots from a file that `plait export` wrote.';
  static override examples = ['plait import backup.plait', 'plait --store /srv/plait import -'];
  static override args = { file: Args.string({ required: true, description: 'the file, - for stdin' }) };

  async run(): Promise<CommandResult> {
    const { args } = this.input(Import);
    const { importBundle } = await import('../cli/bundle.ts');
    const { result, exits } = await importBundle(this.context, args.file);
    return { result, exits, text: () => importLines(result) };
  }
}
