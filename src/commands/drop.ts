import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { dropLines } from '../cli/render/gc.ts';

export default class Drop extends BaseCommand {
  static override summary = 'Let the data of snapshots go from this store.';
  static override description =
    'Their records stay, and `plait pull --snapshot` brings the data back. What no remote says that it holds goes only with --force. `plait gc` then frees the space.';
  static override examples = ['plait drop main~20', 'plait drop 3f2a91c04d --dry-run'];
  static override strict = false;
  static override args = { ref: Args.string({ required: true, description: 'references to snapshots' }) };
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'print what would be done and do nothing' }),
    force: Flags.boolean({ summary: 'drop it though no remote says that it holds it' }),
  };

  async run(): Promise<CommandResult> {
    const { flags, argv } = this.input(Drop);
    const engine = await this.context.engine();
    const { drop } = await import('../sync/drop.ts');
    const { result, exits } = await drop(engine, {
      refs: argv as string[],
      dryRun: flags['dry-run'],
      force: flags.force,
    });
    return { result, exits, text: () => dropLines(result) };
  }
}
