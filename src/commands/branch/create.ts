import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { shortId } from '../../cli/format.ts';

export default class BranchCreate extends BaseCommand {
  static override summary = 'Start a branch; the working directory stays where it is.';
  static override examples = ['plait branch create experiment', 'plait branch create july --from main~3'];
  static override args = { name: Args.string({ required: true, description: 'its name' }) };
  static override flags = {
    from: Flags.string({
      helpValue: 'REF',
      summary: 'where it starts; where the working directory stands, unless given',
    }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(BranchCreate);
    const engine = await this.context.engine();
    const { createBranch } = await import('../../sync/branches.ts');
    const { result } = await createBranch(engine, args.name, flags.from);
    return { result, text: `branch ${args.name} at ${shortId(result.tip ?? '')}` };
  }
}
