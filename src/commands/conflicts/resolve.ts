import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import { choiceOf } from '../../cli/choice.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { resolvedLines } from '../../cli/render/conflicts.ts';

export default class ConflictsResolve extends BaseCommand {
  static override summary = 'Settle a conflict: one of the two sides, or another value, stands from now on.';
  static override description =
    'That is an edit and travels with the next push or sync. A path of a merge: the side that stands stays as it is in the working directory, the other is restored there; an unsaved change of that path stops it (exit 8). ' +
    'Something that one side deleted and the other edited: the side that deleted deletes it again. Two objects with one name are settled by renaming one of them.';
  static override examples = [
    'plait conflicts resolve 3f2a91c0 --current',
    'plait conflicts resolve 3f2a91c0 --value "nightly and weekly results"',
  ];
  static override args = {
    id: Args.string({ required: true, description: '4 or more digits of its id, from `plait conflicts list`' }),
  };
  static override flags = {
    current: Flags.boolean({ summary: 'what `current` says in the list' }),
    target: Flags.boolean({ summary: 'what `target` says in the list' }),
    value: Flags.string({ helpValue: 'TEXT', summary: 'this value; empty takes a description or owner away' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(ConflictsResolve);
    const choice = choiceOf(flags);
    const engine = await this.context.engine();
    const { resolveConflict } = await import('../../sync/resolve-conflict.ts');
    const { result, exits } = await resolveConflict(engine, args.id, choice);
    return { result, exits, text: () => resolvedLines(result) };
  }
}
