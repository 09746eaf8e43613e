import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { plural } from '../../cli/format.ts';

export default class RemoteRemove extends BaseCommand {
  static override summary = 'Forget a remote; nothing is deleted there.';
  static override examples = ['plait remote remove backup'];
  static override args = { name: Args.string({ required: true, description: 'its name' }) };

  async run(): Promise<CommandResult> {
    const { args } = this.input(RemoteRemove);
    const { removeRemote } = await import('../../cli/remotes.ts');
    const { result } = await removeRemote(this.context, args.name);
    const { dropped } = result;
    const queue =
      dropped > 0 ? `; ${plural(dropped, 'snapshot')} ${dropped === 1 ? 'is' : 'are'} no longer queued` : '';
    return { result, text: `remote ${args.name} removed${queue}` };
  }
}
