import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { runReplicate } from '../cli/replicate-command.ts';
import { replicateFlags } from '../cli/selection-flags.ts';

export default class Push extends BaseCommand {
  static override summary = 'Send snapshots to a remote and move its branches forward.';
  static override description =
    'Carries all branches with all their snapshots, unless a selection says less. A selection picks data and tips that move; the metadata of the volume set always travels whole, so branch names are not private. Never moves a local branch, but with --as. What is to be sent is queued first: where the remote cannot be reached or the line is cut, the next push or sync goes on. Edits of the remote that came in between are taken in the same session; what both sides changed is recorded as a conflict (exit 5).';
  static override examples = [
    'plait push',
    'plait push origin --branch main',
    'plait push --dry-run',
    'plait push --branch main --as mine',
    'plait push backup --enqueue',
    'plait push --limit-up 2M',
    'plait push --json',
  ];
  static override args = { remote: Args.string({ description: 'a remote; origin, or the only one, unless given' }) };
  static override flags = {
    ...replicateFlags,
    enqueue: Flags.boolean({
      summary: 'do not contact the remote: note only what the next push or sync is to send',
    }),
    as: Flags.string({
      helpValue: 'NAME',
      summary: 'where a branch has diverged: ours becomes branch NAME, and the branch follows the remote',
    }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Push);
    return runReplicate(this.context, 'push', args.remote, flags);
  }
}
