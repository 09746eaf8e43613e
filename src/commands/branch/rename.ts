import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class BranchRename extends BaseCommand {
  static override summary = 'Rename a branch; the new name travels with the next sync.';
  static override examples = ['plait branch rename master main'];
  static override args = {
    old: Args.string({ required: true, description: 'its name' }),
    new: Args.string({ required: true, description: 'its new name' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(BranchRename);
    const engine = await this.context.engine();
    const { renameBranch } = await import('../../sync/branches.ts');
    const { result } = await renameBranch(engine, args.old, args.new);
    return { result, text: `branch ${args.old} is now ${args.new}` };
  }
}
