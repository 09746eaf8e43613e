/** `sync --follow`: whom it follows, with which options. */
import { PlaitError } from '../core/errors.ts';
import { DEFAULT_MAX_DELETE } from '../core/guards.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { currentVolset, type Engine } from '../sync/engine.ts';
import type { FollowOptions } from '../sync/follow/follow.ts';
import { defaultRemote, remoteByName } from '../sync/remotes.ts';
import type { CommandResult } from './command-result.ts';
import type { Context } from './context.ts';
import type { FollowInput } from './follow-flags.ts';
import { FollowOutput } from './follow-output.ts';
import { limitsOf, selectionOf } from './selection-flags.ts';

export async function runFollow(
  context: Context,
  names: readonly string[],
  flags: FollowInput,
): Promise<CommandResult> {
  using output = new FollowOutput(context, { allVolsets: flags['all-volsets'] ?? false });
  context.reporter = output.reporter;
  const engine = await context.engine({ volset: flags.volset });
  const remotes = remotesToFollow(engine, names, flags);
  output.expect(remotes.map(({ name }) => name));
  const { follow } = await import('../sync/follow/follow.ts');
  const { result, exits } = await follow({ ...engine, signal: output.signal }, optionsOf(remotes, flags), (event) =>
    output.take(event),
  );
  await output.written();
  return { result, exits };
}

/** Those named, else all that are about this volset, each once. */
export function remotesToFollow(engine: Engine, names: readonly string[], flags: FollowInput): RemoteConfig[] {
  if (names.length > 0) return [...new Set(names)].map((name) => remoteByName(engine, name));
  const all = engine.meta.listRemotes();
  // Has the words for a store without remotes.
  if (all.length === 0) return [defaultRemote(engine, undefined)];
  const found = all.filter((remote) => remote.enabled && (flags['all-volsets'] || isAbout(engine, remote)));
  if (found.length > 0) return found;
  throw new PlaitError('usage', 'no remote of this volume set is enabled', {
    hint: `name one: ${all.map(({ name }) => name).join(', ')}`,
  });
}

/** One that has not said yet what it is about may be about anything. */
function isAbout(engine: Engine, { volset, volsetName }: RemoteConfig): boolean {
  const own = engine.volsetName === undefined ? engine.volume?.state.volset : currentVolset(engine).id;
  const named = volset ?? engine.meta.listVolsets().find(({ name }) => name === volsetName)?.id;
  return own === undefined || named === undefined || named === own;
}

const optionsOf = (remotes: RemoteConfig[], flags: FollowInput): FollowOptions => ({
  remotes,
  once: flags.once ?? false,
  pullOnly: flags['pull-only'] ?? false,
  allVolsets: flags['all-volsets'] ?? false,
  policy: flags.prefer,
  selection: selectionOf(flags),
  maxDelete: flags['max-delete'] ?? DEFAULT_MAX_DELETE,
  limits: limitsOf(flags),
  parallel: flags.parallel,
});
