import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { duration } from '../cli/flags.ts';
import { watchFromCli } from '../cli/watch.ts';

export default class Watch extends BaseCommand {
  static override summary = 'Record the working directory whenever it has changed.';
  static override description =
    'Makes a snapshot when nothing has changed for the quiet period, or the oldest unsaved change is as old as the longest delay. What changed while nobody watched is found at the start. Nothing is recorded while an application holds the directory (`plait hold`, or the lock file named by the config key watch.lock-file). With --push, each snapshot is queued for the remote and pushed as soon as that can be reached. SIGTERM ends it. With --json, an event is one JSON document a line.';
  static override examples = [
    'plait watch',
    'plait watch --push origin',
    'plait watch --quiet-period 10s --max-delay 5m --json',
  ];
  static override output = 'events' as const;
  static override endsBySignal = true;
  static override flags = {
    push: Flags.string({ helpValue: 'REMOTE', summary: 'push each snapshot to this remote' }),
    'quiet-period': duration({ helpValue: '2s', summary: 'how long nothing must have changed' }),
    'max-delay': duration({ helpValue: '60s', summary: 'how long a change waits at most, whatever else goes on' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Watch);
    await watchFromCli(this, flags, (event, text) => this.emit(event, text));
    return { result: {} };
  }
}
