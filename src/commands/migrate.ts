import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';

export default class Migrate extends BaseCommand {
  static override summary = 'Bring a store of the previous format to the present one.';
  static override description =
    'Changes metadata only, in one transaction: whatever stops it, the store has the one format or the other. Until then such a store can be read, and every command that would write ends with exit 17. Afterwards the plait that made it does not open it any more. Waits for other commands on the same store, up to --lock-wait; stop a `plait serve`, `plait watch` or `plait sync --follow` of the older plait first.';
  static override examples = ['plait migrate --dry-run', 'plait --store /srv/plait migrate'];
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'do all of it, say what it was, and take it back' }),
  };

  async run(): Promise<CommandResult> {
    const { flags } = this.input(Migrate);
    const [{ migrateStore }, { requireLocated, storeOptions }] = await Promise.all([
      import('../sync/store.ts'),
      import('../cli/open-engine.ts'),
    ]);
    const { store } = requireLocated(this.context);
    const dryRun = flags['dry-run'] === true;
    const { found, format, forgotten } = migrateStore(store, storeOptions(this.context), dryRun);
    const migrated = found !== format;
    const would = dryRun ? 'would be' : 'is';
    const text = migrated
      ? `${store} ${would} migrated from format ${found} to ${format}`
      : `${store} has format ${format} already: nothing to do`;
    return { result: { store, found, format, migrated, forgotten, dryRun }, text };
  }
}
