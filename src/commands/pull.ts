import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { runReplicate } from '../cli/replicate-command.ts';
import { replicateFlags } from '../cli/selection-flags.ts';

export default class Pull extends BaseCommand {
  static override summary = "Take a remote's snapshots and move local branches forward.";
  static override description =
    'Downloads what is missing, moves local branches to descendants and then the volume, your working directory, if it has no unsaved change (else exit 8, with everything else done). A branch that both sides moved is reported as diverged (exit 6) and stays.';
  static override examples = [
    'plait pull',
    'plait pull origin --branch main',
    'plait pull --dry-run',
    'plait pull --branch main --theirs',
    'plait pull --json',
  ];
  static override args = { remote: Args.string({ description: 'a remote; origin, or the only one, unless given' }) };
  static override flags = {
    ...replicateFlags,
    theirs: Flags.boolean({
      summary: 'where a branch has diverged: take theirs; ours stays as branch NAME.kept-xxxx',
    }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Pull);
    return runReplicate(this.context, 'pull', args.remote, flags);
  }
}
