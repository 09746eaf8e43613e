import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { percent } from '../cli/flags.ts';
import { forgetLines } from '../cli/render/forget.ts';

export default class Forget extends BaseCommand {
  static override summary = 'Take snapshots away everywhere.';
  static override description =
    'They are in no list any more, here at once and elsewhere with the next push or sync; those before and after them stay. Their data goes with the next `plait gc` of each store. A snapshot that a branch points at is refused; what another store edits meanwhile, or a branch there that points at it, keeps it as a conflict. A hub takes it only from a token that may delete. To let data go from this store alone there is `plait drop`.';
  static override examples = ['plait forget main~3 --dry-run', 'plait forget v1 3f2a91c04d'];
  static override strict = false;
  static override args = { ref: Args.string({ required: true, description: 'references to snapshots' }) };
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'print what would be done and do nothing' }),
    'max-delete': percent({ helpValue: '50%', summary: 'how large a share of the snapshots may go' }),
  };

  async run(): Promise<CommandResult> {
    const { flags, argv } = this.input(Forget);
    const engine = await this.context.engine();
    const { forget } = await import('../sync/forget.ts');
    const { result, exits } = await forget(engine, {
      refs: argv as string[],
      dryRun: flags['dry-run'],
      maxDelete: flags['max-delete'] ?? (await this.context.maxDelete()),
    });
    return { result, exits, text: () => forgetLines(result) };
  }
}
