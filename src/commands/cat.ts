import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { writeBytes } from '../cli/io.ts';

export default class Cat extends BaseCommand {
  static override summary = 'Write the bytes of a file of a snapshot to stdout.';
  static override examples = ['plait cat main reports/july.csv', 'plait cat main~1 data.db > old.db'];
  static override output = 'raw' as const;
  static override args = {
    ref: Args.string({ required: true, description: 'a reference' }),
    path: Args.string({ required: true, description: 'a file in the snapshot' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(Cat);
    const engine = await this.context.engine();
    const { cat } = await import('../sync/tree.ts');
    await writeBytes(this.context.io.stdout, cat(engine, args.ref, this.context.snapshotPath(args.path)));
    return { result: {} };
  }
}
