import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';

export default class Init extends BaseCommand {
  static override summary = 'Make a directory a volume: a working directory whose snapshots are kept.';
  static override description =
    'The store goes into DIR/.plait, or with --store into a directory of its own; a file .plait in DIR then points to it.';
  static override examples = [
    'plait init',
    'plait init data --volset results',
    'plait init --bare /srv/plait',
    'plait init data --store /backup/store',
  ];
  static override usesStore = false;
  static override args = { dir: Args.string({ description: 'the directory; this one, unless given' }) };
  static override flags = {
    volset: Flags.string({ helpValue: 'NAME', summary: "name of the volume set; the directory's name, unless given" }),
    branch: Flags.string({ helpValue: 'NAME', summary: 'name of the first branch; main, unless given' }),
    bare: Flags.boolean({ summary: 'only a store, without a working directory (for a hub)' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Init);
    const { init } = await import('../cli/make-store.ts');
    const { result } = await init(this.context, { dir: args.dir, ...flags });
    const what = result.bare
      ? `empty store in ${result.store}`
      : `volume ${result.dir} of ${result.volset}, branch ${result.branch}`;
    return { result, text: `made ${what}` };
  }
}
