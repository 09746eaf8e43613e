import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { remoteLines } from '../../cli/render/snapshot.ts';

export default class RemoteList extends BaseCommand {
  static override summary = 'List remotes.';
  static override examples = ['plait remote list'];

  async run(): Promise<CommandResult> {
    const engine = await this.context.metaEngine();
    const { listRemotes } = await import('../../sync/remotes.ts');
    const { result } = listRemotes(engine);
    return { result, text: () => remoteLines(result.remotes) };
  }
}
