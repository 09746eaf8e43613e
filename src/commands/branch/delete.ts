import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class BranchDelete extends BaseCommand {
  static override summary = 'Delete a branch; its snapshots stay.';
  static override examples = ['plait branch delete experiment', 'plait branch delete experiment --force'];
  static override args = { name: Args.string({ required: true, description: 'its name' }) };
  static override flags = { force: Flags.boolean({ summary: 'also when no other branch holds its snapshots' }) };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(BranchDelete);
    const engine = await this.context.engine();
    const { deleteBranch } = await import('../../sync/branches.ts');
    const { result } = await deleteBranch(engine, args.name, flags.force);
    return { result, text: `branch ${args.name} deleted` };
  }
}
