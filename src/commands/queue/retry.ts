import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { plural } from '../../cli/format.ts';

export default class QueueRetry extends BaseCommand {
  static override summary = 'Let refused and postponed snapshots be tried again by the next push or sync.';
  static override examples = ['plait queue retry', 'plait queue retry origin', 'plait queue retry origin 4f1c09a'];
  static override strict = false;
  static override args = {
    remote: Args.string({ description: 'a remote; all, unless given' }),
    snapshots: Args.string({ description: 'references of the snapshots; all that are queued, unless given' }),
  };

  async run(): Promise<CommandResult> {
    const { args, argv } = this.input(QueueRetry);
    const engine = await this.context.metaEngine();
    const { retryQueued } = await import('../../sync/queue.ts');
    const { result } = retryQueued(engine, args.remote, (argv as string[]).slice(1));
    const { requeued } = result;
    const text = `${plural(requeued, 'snapshot')} will be tried again by the next push or sync`;
    return { result, text: requeued > 0 ? text : 'nothing waits to be tried again' };
  }
}
