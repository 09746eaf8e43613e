import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { restoreLines } from '../cli/render/snapshot.ts';

export default class Restore extends BaseCommand {
  static override summary = 'Bring files back from a snapshot, in place or into another directory.';
  static override description =
    'In place, a file with unsaved changes needs --overwrite. Where the working directory stands does not change.';
  static override examples = [
    'plait restore main~1 reports/july.csv',
    'plait restore main --to /tmp/july',
    'plait restore main --to /srv/data --preserve owner,suid',
  ];
  static override strict = false;
  static override args = {
    ref: Args.string({ required: true, description: 'a reference' }),
    paths: Args.string({ description: 'paths in the snapshot; all, unless given' }),
  };
  static override flags = {
    to: Flags.string({ helpValue: 'DIR', summary: 'restore into this directory' }),
    overwrite: Flags.boolean({ summary: 'replace files that differ' }),
    preserve: Flags.string({
      helpValue: 'owner,suid',
      summary: 'also restore owners, and setuid, setgid and sticky bits',
    }),
    verify: Flags.boolean({ summary: 'read back what was written and compare it with the snapshot' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags, argv } = this.input(Restore);
    const engine = await this.context.engine();
    const { restore } = await import('../sync/restore.ts');
    const paths = (argv as string[]).slice(1).map((path) => this.context.snapshotPath(path));
    const { result, exits } = await restore(engine, {
      ref: args.ref,
      paths,
      to: flags.to === undefined ? undefined : this.context.path(flags.to),
      overwrite: flags.overwrite,
      preserve: this.context.preserve(flags.preserve),
      verify: flags.verify,
    });
    return { result, exits, text: () => restoreLines(result) };
  }
}
