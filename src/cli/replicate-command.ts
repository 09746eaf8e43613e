/** What `fetch`, `push`, `pull` and `sync` share: one engine call, one document, one rendering. */
import { PlaitError } from '../core/errors.ts';
import { DEFAULT_MAX_DELETE } from '../core/guards.ts';
import type { Policy } from '../core/reconcile.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import type { Engine } from '../sync/engine.ts';
import { defaultRemote } from '../sync/remotes.ts';
import type { ReplicateOptions, Verb } from '../sync/replicate.ts';
import type { CommandResult } from './command-result.ts';
import type { Context } from './context.ts';
import { enqueuedLines } from './render/queue.ts';
import { allPorcelainRows, allSyncLines, porcelainRows, syncLines } from './render/sync.ts';
import { limitsOf, type SelectionInput, selectionOf } from './selection-flags.ts';

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
  'limit-up'?: number;
  'limit-down'?: number;
  parallel?: number;
  /** Of sync. */
  'pull-only'?: boolean;
  /** Of push. */
  as?: string;
  enqueue?: boolean;
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
  if (flags.enqueue) return runEnqueue(engine, remote, flags);
  if (flags['all-volsets']) {
    const { replicateAll } = await import('../sync/all-volsets.ts');
    const { result, exits } = await replicateAll(engine, verb, remote, options);
    return { result, exits, text: () => (flags.porcelain ? allPorcelainRows(result) : allSyncLines(verb, result)) };
  }
  const { replicate } = await import('../sync/replicate.ts');
  const { result, exits } = await replicate(engine, verb, remote, options);
  return { result, exits, text: () => (flags.porcelain ? porcelainRows(result) : syncLines(verb, result)) };
}

async function runEnqueue(engine: Engine, remote: RemoteConfig, flags: ReplicateInput): Promise<CommandResult> {
  if (flags.as !== undefined) {
    throw new PlaitError('usage', '--as asks the remote, which --enqueue does not', { hint: 'give one of the two' });
  }
  const { enqueueAll, enqueueOnly } = await import('../sync/enqueue.ts');
  const options = optionsOf(flags);
  if (flags['all-volsets']) {
    const { result } = enqueueAll(engine, remote, options);
    return { result, text: () => result.volsets.flatMap((one) => enqueuedLines(one, true)) };
  }
  const { result } = enqueueOnly(engine, remote, options);
  return { result, text: () => enqueuedLines(result, false) };
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
  limits: limitsOf(flags),
  parallel: flags.parallel,
});
