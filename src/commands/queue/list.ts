import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { queueLines } from '../../cli/render/queue.ts';

export default class QueueList extends BaseCommand {
  static override summary = 'List the snapshots that wait to be pushed, and those that were refused.';
  static override description =
    'A push puts what it is to send into the queue first. What a hub that was down or a line that was cut left there is sent by the next push or sync. Of a snapshot that a remote refused for good, or whose data is damaged here, the reason is shown; nothing else waits for it.';
  static override examples = ['plait queue list', 'plait queue list backup --json'];
  static override args = { remote: Args.string({ description: 'a remote; all, unless given' }) };

  async run(): Promise<CommandResult> {
    const { args } = this.input(QueueList);
    const engine = await this.context.metaEngine();
    const { listQueue } = await import('../../sync/queue.ts');
    const { result } = listQueue(engine, args.remote);
    return { result, text: () => queueLines(result) };
  }
}
