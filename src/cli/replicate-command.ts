/** What `fetch`, `push`, `pull` and `sync` share: one engine call, one document, one rendering. */
import { DEFAULT_MAX_DELETE } from '../core/guards.ts';
import type { Policy } from '../core/reconcile.ts';
import { defaultRemote } from '../sync/remotes.ts';
import type { ReplicateOptions, Verb } from '../sync/replicate.ts';
import type { CommandResult } from './command-result.ts';
import type { Context } from './context.ts';
import { allPorcelainRows, allSyncLines, porcelainRows, syncLines } from './render/sync.ts';
import { type SelectionInput, selectionOf } from './selection-flags.ts';

export interface ReplicateInput extends SelectionInput {
  volset?: string;
  'all-volsets'?: boolean;
  'dry-run'?: boolean;
  porcelain?: boolean;
  prefer?: Policy;
  'max-delete'?: number;
  'fail-if-unchanged'?: boolean;
  'accept-new-identity'?: boolean;
  'accept-rollback'?: boolean;
  /** Of sync. */
  'pull-only'?: boolean;
  /** Of push. */
  as?: string;
  /** Of pull. */
  theirs?: boolean;
}

export async function runReplicate(
  context: Context,
  verb: Verb,
  remoteName: string | undefined,
  flags: ReplicateInput,
): Promise<CommandResult> {
  const engine = await context.engine({ volset: flags.volset });
  const options = optionsOf(flags);
  const remote = defaultRemote(engine, remoteName);
  if (flags['all-volsets']) {
    const { replicateAll } = await import('../sync/all-volsets.ts');
    const { result, exits } = await replicateAll(engine, verb, remote, options);
    return { result, exits, text: () => (flags.porcelain ? allPorcelainRows(result) : allSyncLines(verb, result)) };
  }
  const { replicate } = await import('../sync/replicate.ts');
  const { result, exits } = await replicate(engine, verb, remote, options);
  return { result, exits, text: () => (flags.porcelain ? porcelainRows(result) : syncLines(verb, result)) };
}

const optionsOf = (flags: ReplicateInput): ReplicateOptions => ({
  selection: selectionOf(flags),
  dryRun: flags['dry-run'] ?? false,
  maxDelete: flags['max-delete'] ?? DEFAULT_MAX_DELETE,
  failIfUnchanged: flags['fail-if-unchanged'] ?? false,
  policy: flags.prefer,
  pullOnly: flags['pull-only'],
  acceptNewIdentity: flags['accept-new-identity'],
  acceptRollback: flags['accept-rollback'],
  as: flags.as,
  theirs: flags.theirs,
});
