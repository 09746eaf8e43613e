import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { diffLines } from '../cli/render/tree.ts';

export default class Diff extends BaseCommand {
  static override summary = 'Show which paths differ between two snapshots, or a snapshot and the working directory.';
  static override description =
    'Without a reference: the snapshot that the working directory stands at, and the working directory. With one: that, and the working directory. With two: the first and the second.';
  static override examples = ['plait diff', 'plait diff main~1 main --stat', 'plait diff origin/main main -- docs'];
  static override pathsAfterDashes = true;
  static override args = {
    a: Args.string({ description: 'a reference' }),
    b: Args.string({ description: 'a reference' }),
  };
  static override flags = {
    stat: Flags.boolean({ summary: 'add a line of totals', exclusive: ['name-only'] }),
    'name-only': Flags.boolean({ summary: 'only the paths' }),
    'exit-code': Flags.boolean({ summary: 'exit 7 when there are differences' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Diff);
    const engine = await this.context.engine();
    const { diff } = await import('../sync/compare.ts');
    const paths = this.context.treePaths(engine, this.paths);
    const { result, exits } = await diff(engine, { a: args.a, b: args.b, paths, exitCode: flags['exit-code'] });
    const mode = flags['name-only'] ? 'names' : flags.stat ? 'stat' : 'all';
    return { result, exits, text: (paint) => diffLines(result, mode, paint) };
  }
}
