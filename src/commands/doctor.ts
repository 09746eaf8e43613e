import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { MAX_AGE_MS } from '../cli/doctor-settings.ts';
import { duration } from '../cli/flags.ts';
import { doctorLines } from '../cli/render/doctor.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Tell whether everything that is to happen by itself still happens.';
  static override description =
    'Exit 18 when something is wrong: the last snapshot of a working directory or the last push to a remote is older than --max-age (where nothing is made here: the last pull), something was refused or waits for too long, conflicts are open, branches have diverged, data is known to be damaged, a checkout was cut off, the disk is nearly full, the clock was set back. No remote is asked and nothing is changed, so it also works while the network is down. For cron: it is silent with --quiet while all is well.';
  static override examples = ['plait doctor', 'plait doctor --max-age 2h --json', 'plait doctor --quiet'];
  static override flags = {
    'max-age': duration({ helpValue: '26h', summary: 'how old the last snapshot and the last push may be' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Doctor);
    const { doctorFromCli } = await import('../cli/doctor.ts');
    const { result, exits } = await doctorFromCli(this.context, flags['max-age'] ?? MAX_AGE_MS);
    const { quiet } = this.context.options;
    return { result, exits, text: (paint) => (quiet && result.ok ? [] : doctorLines(result, { quiet, paint })) };
  }
}
