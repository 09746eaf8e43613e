import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { selectionText } from '../../cli/render/snapshot.ts';
import { selectionFlags, selectionOf } from '../../cli/selection-flags.ts';

export default class RemoteSetSelection extends BaseCommand {
  static override summary = 'Change what push, pull and sync carry to and from a remote; without flags: everything.';
  static override examples = ['plait remote set-selection origin --branch main', 'plait remote set-selection origin'];
  static override args = { name: Args.string({ required: true, description: 'its name' }) };
  static override flags = selectionFlags;

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(RemoteSetSelection);
    const engine = await this.context.engine({ volset: flags.volset });
    const { changeRemote } = await import('../../sync/remotes.ts');
    const { result } = changeRemote(engine, args.name, { selection: selectionOf(flags) });
    return { result, text: `remote ${args.name} carries ${selectionText(result.selection)}` };
  }
}
