import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.ts';
import type { CommandResult } from '../cli/command-result.ts';
import { runReplicate } from '../cli/replicate-command.ts';
import { replicateFlags } from '../cli/selection-flags.ts';

export default class Fetch extends BaseCommand {
  static override summary = "Learn a remote's metadata: snapshots, branches and their tips.";
  static override description =
    'Reconciles metadata only, unlike git: names, descriptions and attributes that changed there change here, and what both sides changed is recorded as a conflict (exit 5); no data is moved and no local branch either. REMOTE/BRANCH shows afterwards where the remote stands.';
  static override examples = [
    'plait fetch',
    'plait fetch origin --branch main',
    'plait fetch --dry-run',
    'plait fetch --json',
  ];
  static override args = { remote: Args.string({ description: 'a remote; origin, or the only one, unless given' }) };
  static override flags = replicateFlags;

  async run(): Promise<CommandResult> {
    const { args, flags } = this.input(Fetch);
    return runReplicate(this.context, 'fetch', args.remote, flags);
  }
}
