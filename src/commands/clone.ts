import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { cloneLines } from '../cli/render/snapshot.ts';
import { selectionFlags, selectionOf } from '../cli/selection-flags.ts';

export default class Clone extends BaseCommand {
  static override summary = 'Make a new working directory from a remote.';
  static override description =
    'A volume is your working directory; its store comes along inside. Records the remote as origin and keeps the selection for it. A directory that is not empty is refused, unless it is the same clone, cut off: then it is continued. With --update a clone that is whole is brought up to date instead, as by `plait pull`: for a directory that a CI cache has, or has not, put back. One made with --ephemeral sends and takes like any other, but leaves no trace among the members of the volume set: for CI jobs and restored caches.';
  static override examples = [
    'plait clone http://hub:7420/results',
    'plait clone http://hub:7420/results data --branch main --tips',
    'plait clone http://hub:7420/results data --ephemeral',
    'plait clone http://hub:7420/results data --update --ephemeral',
    'plait clone /mnt/usb/store',
  ];
  static override usesStore = false;
  static override args = {
    url: Args.string({ required: true, description: 'URL[/VOLSET] of a hub, or PATH[/VOLSET] of a store' }),
    dir: Args.string({ description: 'where to; the name of the volume set, unless given' }),
  };
  static override flags = {
    ...selectionFlags,
    bare: Flags.boolean({ summary: 'only a store, without a working directory' }),
    'no-checkout': Flags.boolean({ summary: 'leave the working directory empty' }),
    update: Flags.boolean({ summary: 'a clone that is there already is brought up to date' }),
    ephemeral: Flags.boolean({ summary: 'for one job: the remote does not remember this clone (PLAIT_EPHEMERAL=1)' }),
  };

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Clone);
    const { clone } = await import('../cli/make-clone.ts');
    const { result, exits } = await clone(this.context, {
      url: args.url,
      dir: args.dir,
      volset: flags.volset,
      bare: flags.bare,
      checkout: !flags['no-checkout'],
      ephemeral: flags.ephemeral,
      selection: selectionOf(flags),
      update: flags.update,
    });
    return { result, exits, text: () => cloneLines(result) };
  }
}
