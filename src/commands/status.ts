import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import { UNFINISHED } from '../cli/clone-mark.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { statusLines, statusPorcelain } from '../cli/render/tree.ts';

export default class Status extends BaseCommand {
  static override summary = 'Show unsaved changes and how the branches stand to the remotes.';
  static override examples = ['plait status', 'plait status --remote', 'plait status --porcelain --exit-code'];
  static override flags = {
    remote: Flags.boolean({ summary: 'ask the remotes first' }),
    porcelain: Flags.boolean({ summary: 'print tab-separated rows in a form that never changes' }),
    'exit-code': Flags.boolean({ summary: 'exit 7 when there are unsaved changes' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Status);
    const engine = await this.context.engine();
    if (engine.meta.settings()[UNFINISHED] !== undefined) {
      engine.reporter.warn('the clone into this directory was cut off: the same `plait clone` again finishes it');
    }
    const { status } = await import('../sync/status.ts');
    const { result, exits } = await status(engine, { remote: flags.remote, exitCode: flags['exit-code'] });
    return { result, exits, text: (paint) => (flags.porcelain ? statusPorcelain(result) : statusLines(result, paint)) };
  }
}
