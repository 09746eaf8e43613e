import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class RemoteAdd extends BaseCommand {
  static override summary = 'Name a peer to push to and pull from.';
  static override description =
    'A peer is a hub, or a store on this machine: its directory, or a working directory with one in it. The token of a hub is read from a file or from stdin, never from the command line, and is sent to this origin only; a path has none.';
  static override examples = [
    'plait remote add origin http://hub:7420',
    'plait remote add origin https://hub/results --token-file ~/token',
    'plait remote add usb /mnt/usb/store',
  ];
  static override args = {
    name: Args.string({ required: true, description: 'its name' }),
    url: Args.string({ required: true, description: 'URL[/VOLSET] of a hub, or PATH[/VOLSET] of a store' }),
  };
  static override flags = {
    'token-file': Flags.string({
      helpValue: 'FILE',
      summary: 'read the token from this file (0600)',
      exclusive: ['token-stdin'],
    }),
    'token-stdin': Flags.boolean({ summary: 'read the token from stdin' }),
    ca: Flags.string({ helpValue: 'FILE', summary: 'trust this certificate authority (PEM)' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(RemoteAdd);
    const { addRemote, showAddress } = await import('../../cli/remotes.ts');
    const { result } = await addRemote(this.context, {
      name: args.name,
      url: args.url,
      tokenFile: flags['token-file'],
      tokenStdin: flags['token-stdin'],
      ca: flags.ca,
    });
    return { result, text: `remote ${args.name} is ${showAddress(result.url)}` };
  }
}
