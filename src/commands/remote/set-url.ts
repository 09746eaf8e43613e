import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';

export default class RemoteSetUrl extends BaseCommand {
  static override summary = 'Change the URL or path of a remote.';
  static override examples = [
    'plait remote set-url origin https://hub.example:7420',
    'plait remote set-url usb /media/usb/store',
  ];
  static override args = {
    name: Args.string({ required: true, description: 'its name' }),
    url: Args.string({ required: true, description: 'URL[/VOLSET] of a hub, or PATH[/VOLSET] of a store' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(RemoteSetUrl);
    const { setUrl, showAddress } = await import('../../cli/remotes.ts');
    const { result } = await setUrl(this.context, args.name, args.url);
    return { result, text: `remote ${args.name} is now ${showAddress(result.url)}` };
  }
}
