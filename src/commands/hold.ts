import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { holdLines } from '../cli/render/watch.ts';
import { holdFromCli } from '../cli/watch.ts';

export default class Hold extends BaseCommand {
  static override summary = 'Keep snapshots away while an application writes.';
  static override description =
    'Waits for a snapshot that is being made; when it has ended, none is made of this working directory until `plait release`, and no pull changes it; checkout, merge and restore wait as snapshots do, up to --lock-wait. Holds count: each needs its own release. One that is forgotten ends by itself after an hour, or what the config key hold.expires says.';
  static override examples = ['plait hold && { ./import-batch; plait release; }', 'plait config set hold.expires 4h'];

  async run(): Promise<CommandResult> {
    this.input(Hold);
    const { result, exits } = await holdFromCli(this.context);
    return { result, exits, text: () => holdLines(result) };
  }
}
