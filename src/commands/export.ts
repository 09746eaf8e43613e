import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';

export default class Export extends BaseCommand {
  static override summary = 'Write snapshots to a file that `plait import` reads, without any network.';
  static override description =
    'The file is a tar stream with data, snapshot bodies and metadata. With --base, what that snapshot holds is left out.';
  static override examples = ['plait export main backup.plait', 'plait export main --base main~5 -'];
  static override output = 'raw' as const;
  static override args = {
    ref: Args.string({ required: true, description: 'a reference, or the file, if only one is given' }),
    file: Args.string({ description: 'the file, - for stdout' }),
  };
  static override flags = { base: Flags.string({ helpValue: 'REF', summary: 'leave out what this snapshot holds' }) };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Export);
    const { exportBundle } = await import('../cli/bundle.ts');
    const [ref, file] = args.file === undefined ? [undefined, args.ref] : [args.ref, args.file];
    await exportBundle(this.context, { ref, file, base: flags.base });
    return { result: {} };
  }
}
