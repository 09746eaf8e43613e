import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { duration } from '../cli/flags.ts';
import { retireAfter } from '../cli/maintenance.ts';
import { gcLines } from '../cli/render/gc.ts';

const count = (summary: string) => Flags.integer({ min: 1, helpValue: 'N', helpGroup: 'RETENTION', summary });

export default class Gc extends BaseCommand {
  static override summary = 'Free what nothing needs any more.';
  static override description =
    'Acts on this store only. Without a retention no snapshot loses its data, but for those that were forgotten. With one, the data of snapshots that no rule keeps goes from here, where a remote says that it holds it; their records stay, and `plait pull --snapshot` brings it back. Rules count for each branch; days, weeks and months are those of UTC.';
  static override examples = ['plait gc', 'plait gc --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run'];
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'print what would be done and do nothing' }),
    'keep-last': count('keep the last N snapshots'),
    'keep-daily': count('keep the last of each of N days that have one'),
    'keep-weekly': count('keep the last of each of N weeks that have one'),
    'keep-monthly': count('keep the last of each of N months that have one'),
    'keep-within': duration({ helpGroup: 'RETENTION', summary: 'keep what was made within this time' }),
    'keep-tag': Flags.string({
      helpGroup: 'RETENTION',
      helpValue: 'TAG',
      multiple: true,
      summary: 'keep what has this value of the attribute `tag` (repeatable)',
    }),
    force: Flags.boolean({ summary: 'drop it though no remote says that it holds it' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Gc);
    const engine = await this.context.engine();
    const { gc } = await import('../sync/gc.ts');
    const { result, exits } = await gc(engine, {
      dryRun: flags['dry-run'],
      force: flags.force,
      retireAfterMs: retireAfter(await this.context.findConfig()),
      rules: {
        last: flags['keep-last'],
        daily: flags['keep-daily'],
        weekly: flags['keep-weekly'],
        monthly: flags['keep-monthly'],
        within: flags['keep-within'],
        tags: flags['keep-tag'],
      },
    });
    return { result, exits, text: () => gcLines(result) };
  }
}
