import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { holdLines } from '../cli/render/watch.ts';

export default class Release extends BaseCommand {
  static override summary = 'End one hold of the working directory.';
  static override description =
    'Takes away what one `plait hold` has put there. Where none is left, snapshots are made again. Exit 10 where nothing holds the directory.';
  static override examples = ['plait release', 'plait release --json'];

  async run(): Promise<CommandResult> {
    this.input(Release);
    const engine = await this.context.metaEngine();
    const { release } = await import('../sync/hold.ts');
    const { result, exits } = release(engine);
    return { result, exits, text: () => holdLines(result) };
  }
}
