import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { listLines } from '../cli/render/tree.ts';

export default class Ls extends BaseCommand {
  static override summary = 'List a folder of a snapshot.';
  static override examples = ['plait ls main', 'plait ls main~3 reports'];
  static override args = {
    ref: Args.string({ required: true, description: 'a reference' }),
    path: Args.string({ description: 'a path in the snapshot; its root, unless given' }),
  };

  async run(): Promise<CommandResult> {
    const { args } = this.input(Ls);
    const engine = await this.context.engine();
    const { ls } = await import('../sync/tree.ts');
    const { result } = ls(engine, args.ref, this.context.snapshotPath(args.path ?? ''));
    return { result, text: () => listLines(result.entries) };
  }
}
