import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../cli/base-command.ts';
import type { CommandResult } from '../../cli/command-result.ts';
import { plural } from '../../cli/format.ts';

export default class QueueDrop extends BaseCommand {
  static override summary = 'Take snapshots out of the queue of a remote.';
  static override description =
    'Data and metadata stay as they are, here and there. A push that wants such a snapshot puts it in again.';
  static override examples = ['plait queue drop backup', 'plait queue drop backup 4f1c09a'];
  static override strict = false;
  static override args = {
    remote: Args.string({ required: true, description: 'a remote' }),
    snapshots: Args.string({ description: 'references of the snapshots; all that are queued, unless given' }),
  };

  async run(): Promise<CommandResult> {
    const { args, argv } = this.input(QueueDrop);
    const engine = await this.context.metaEngine();
    const { dropQueued } = await import('../../sync/queue.ts');
    const { result } = dropQueued(engine, args.remote, (argv as string[]).slice(1));
    return { result, text: () => [`${plural(result.dropped, 'snapshot')} taken out of the queue of ${args.remote}`] };
  }
}
