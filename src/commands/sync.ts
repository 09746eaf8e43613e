import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { runReplicate } from '../cli/replicate-command.ts';
import { replicateFlags } from '../cli/selection-flags.ts';

export default class Sync extends BaseCommand {
  static override summary =
    'Push and pull in one session: a three-way reconciliation of metadata, and all data both ways.';
  static override description =
    'Reconciles target (the remote), current (this store) and initial (what both agreed on last), unlike git field by field. A field that both sides changed: one value stands (--prefer), both are kept in a conflict record, exit 5. A branch that both sides moved: it is reported as diverged, everything else goes through, exit 6.';
  static override examples = [
    'plait sync',
    'plait sync origin --branch main',
    'plait sync --dry-run',
    'plait sync --pull-only',
    'plait sync --json',
  ];
  static override args = { remote: Args.string({ description: 'a remote; origin, or the only one, unless given' }) };
  static override flags = {
    ...replicateFlags,
    'pull-only': Flags.boolean({ summary: 'send nothing, change nothing there' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Sync);
    return runReplicate(this.context, 'sync', args.remote, flags);
  }
}
