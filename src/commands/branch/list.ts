import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { branchLines } from '../../cli/render/snapshot.ts';

export default class BranchList extends BaseCommand {
  static override summary = 'List branches and their tips.';
  static override examples = ['plait branch list'];

  async run(): Promise<CommandResult> {
    const engine = await this.context.metaEngine();
    const { listBranches } = await import('../../sync/branches.ts');
    const { result } = listBranches(engine);
    return { result, text: () => branchLines(result.branches) };
  }
}
