import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class RemoteRename extends BaseCommand {
  static override summary = 'Rename a remote.';
  static override examples = ['plait remote rename origin backup'];
  static override args = {
    old: Args.string({ required: true, description: 'its name' }),
    new: Args.string({ required: true, description: 'its new name' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(RemoteRename);
    const engine = await this.context.engine();
    const { renameRemote } = await import('../../sync/remotes.ts');
    const { result } = renameRemote(engine, args.old, args.new);
    return { result, text: `remote ${args.old} is now ${args.new}` };
  }
}
