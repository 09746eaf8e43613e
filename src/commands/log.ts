import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { graphLines, logLines } from '../cli/render/tree.ts';

export default class Log extends BaseCommand {
  static override summary = 'Show the history of a branch or snapshot.';
  static override examples = [
    'plait log',
    'plait log origin/main -n 10',
    'plait log --graph',
    'plait log -- reports/2026',
  ];
  static override pathsAfterDashes = true;
  static override args = {
    ref: Args.string({ description: 'a reference; where the working directory stands, unless given' }),
  };
  static override flags = {
    limit: Flags.integer({ char: 'n', min: 1, helpValue: 'N', summary: 'at most N snapshots' }),
    graph: Flags.boolean({ summary: 'one line a snapshot, with the lines of history' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Log);
    const engine = await this.context.engine();
    const { log } = await import('../sync/history.ts');
    const { result } = log(engine, {
      ref: args.ref,
      limit: flags.limit,
      paths: this.context.treePaths(engine, this.paths),
    });
    return {
      result,
      text: (paint) => (flags.graph ? graphLines(result.snapshots) : logLines(result.snapshots, paint)),
    };
  }
}
