import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class RemoteRemove extends BaseCommand {
  static override summary = 'Forget a remote; nothing is deleted there.';
  static override examples = ['plait remote remove backup'];
  static override args = { name: Args.string({ required: true, description: 'its name' }) };

  async run(): Promise<CommandResult> {
    const { args } = this.input(RemoteRemove);
    const { removeRemote } = await import('../../cli/remotes.ts');
    const { result } = await removeRemote(this.context, args.name);
    return { result, text: `remote ${args.name} removed` };
  }
}
