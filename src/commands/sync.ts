import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, type OutputKind } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { checkFollowing } from '../cli/follow-flags.ts';
import { runReplicate } from '../cli/replicate-command.ts';
import { followFlags, replicateFlags } from '../cli/selection-flags.ts';

export default class Sync extends BaseCommand {
  static override summary =
    'Push and pull in one session: a three-way reconciliation of metadata, and all data both ways.';
  static override description =
    'Reconciles target (the remote), current (this store) and initial (what both agreed on last), unlike git field by field. A field that both sides changed: one value stands (--prefer), both are kept in a conflict record, exit 5. A branch that both sides moved: it is reported as diverged, everything else goes through, exit 6.\nWith --follow it goes on until SIGTERM or SIGINT (exit 0): what changes here or at a remote is on the other side at once, a remote that is down is waited for, and --json prints events, one a line. It follows the remotes that are named, else all that are about this volume set. A remote that turns out to be another store is given up, and the others go on; the exit code tells at the end.';
  static override examples = [
    'plait sync',
    'plait sync origin --branch main',
    'plait sync --dry-run',
    'plait sync --pull-only',
    'plait sync --json',
    'plait sync --follow',
    'plait sync --follow origin usb --json',
    'plait sync --follow --once --pull-only',
    'plait --store /srv/mirror sync --follow origin --all-volsets --pull-only',
  ];
  static override args = {
    remote: Args.string({
      multiple: true,
      description: 'a remote; origin, or the only one, unless given. With --follow any number, all unless given',
    }),
  };
  static override flags = {
    ...replicateFlags,
    'pull-only': Flags.boolean({ summary: 'send nothing, change nothing there' }),
    ...followFlags,
  };

  override get output(): OutputKind {
    return this.input(Sync).flags.follow ? 'events' : 'document';
  }

  /** With --once there is something to be finished. */
  override get endsBySignal(): boolean {
    const { follow, once } = this.input(Sync).flags;
    return follow && !once;
  }

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Sync);
    const remotes = args.remote ?? [];
    checkFollowing(remotes, flags);
    if (!flags.follow) return runReplicate(this.context, 'sync', remotes[0], flags);
    const { runFollow } = await import('../cli/follow-command.ts');
    return runFollow(this.context, remotes, flags);
  }
}
