import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { peerLines } from '../../cli/render/snapshot.ts';

export default class RemoteShow extends BaseCommand {
  static override summary = 'Ask a remote, or any URL or path, what it holds.';
  static override examples = [
    'plait remote show origin',
    'plait remote show http://hub:7420',
    'plait remote show ./store',
  ];
  static override args = {
    remote: Args.string({ required: true, description: 'a remote, a URL, or a path with a slash' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(RemoteShow);
    const { showRemote } = await import('../../cli/remotes.ts');
    const { result } = await showRemote(this.context, args.remote);
    return { result, text: () => peerLines(result) };
  }
}
