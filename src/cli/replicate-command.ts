/** What `fetch`, `push`, `pull` and `sync` share: one engine call, one document, one rendering. */
import { DEFAULT_MAX_DELETE } from '../core/guards.ts';
import { defaultRemote } from '../sync/remotes.ts';
import type { Verb } from '../sync/replicate.ts';
import type { CommandResult } from './command-result.ts';
import type { Context } from './context.ts';
import { porcelainRows, syncLines } from './render/sync.ts';
import { type SelectionInput, selectionOf } from './selection-flags.ts';

export interface ReplicateInput extends SelectionInput {
  volset?: string;
  'dry-run': boolean;
  porcelain: boolean;
  'max-delete'?: number;
  'fail-if-unchanged': boolean;
}

export async function runReplicate(
  context: Context,
  verb: Verb,
  remoteName: string | undefined,
  flags: ReplicateInput,
): Promise<CommandResult> {
  const engine = await context.engine({ volset: flags.volset });
  const { replicate } = await import('../sync/replicate.ts');
  const { result, exits } = await replicate(engine, verb, defaultRemote(engine, remoteName), {
    selection: selectionOf(flags),
    dryRun: flags['dry-run'] ?? false,
    maxDelete: flags['max-delete'] ?? DEFAULT_MAX_DELETE,
    failIfUnchanged: flags['fail-if-unchanged'] ?? false,
  });
  return { result, exits, text: () => (flags.porcelain ? porcelainRows(result) : syncLines(verb, result)) };
}
