import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { mergeLines } from '../cli/render/merge.ts';
import { POLICIES } from '../cli/selection-flags.ts';

export default class Merge extends BaseCommand {
  static override summary = 'Join another line of history to the branch of the working directory.';
  static override description =
    'Needs a working directory without unsaved changes, at the tip of its branch. Where the branch is only behind, it moves forward; otherwise both trees are merged path by path into a snapshot with two parents. ' +
    'A path that both sides changed is a conflict (exit 5): ours is left in place, and theirs can be restored with `plait conflicts resolve`.';
  static override examples = [
    'plait merge origin/main',
    'plait merge experiment --dry-run',
    'plait merge main --prefer newest',
  ];
  static override args = {
    ref: Args.string({ required: true, description: 'what to merge: a branch, REMOTE/BRANCH, …' }),
  };
  static override flags = {
    prefer: Flags.option({ options: POLICIES })({
      summary:
        'who stands at a path that both sides changed: theirs (target), ours (current, the default), or the newest',
    }),
    'dry-run': Flags.boolean({ summary: 'print what would be done and do nothing' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Merge);
    const engine = await this.context.engine();
    const { merge } = await import('../sync/merge.ts');
    const { result, exits } = await merge(engine, {
      ref: args.ref,
      prefer: flags.prefer ?? 'current',
      dryRun: flags['dry-run'] === true,
    });
    return { result, exits, text: () => mergeLines(result) };
  }
}
