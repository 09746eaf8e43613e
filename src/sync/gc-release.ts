/**
 * Lets blobs go from this store, once it is known that nothing here needs them and that somebody else holds them. A peer's
 * word is asked for right before, batch by batch, since it is good for an hour; what may not go after all is decided in
 * the transaction that lets go.
 */
import { PlaitError } from '../core/errors.ts';
import { installOf, type SnapshotId, type VolsetId } from '../core/ids.ts';
import type { Peer } from '../core/peer.ts';
import { PROMISE_MS } from '../core/promise.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import type { Engine } from './engine.ts';
import { basesOf, tipsOf } from './gc-in-use.ts';
import type { KeptReason } from './gc-reasons.ts';
import type { ProblemRow } from './results.ts';

export interface KeptRow {
  snapshot: SnapshotId;
  reason: KeptReason;
}

export interface Released {
  dropped: SnapshotId[];
  kept: KeptRow[];
}

export interface ReleaseOptions {
  force: boolean;
  dryRun: boolean;
}

/** Of one question; a remote takes 4096. */
const BATCH = 1000;

/** Asks each remote at most until it fails once. */
export class Witnesses implements AsyncDisposable {
  readonly problems: ProblemRow[] = [];
  readonly exits = new Set<number>();
  readonly #engine: Engine;
  readonly #peers = new Map<string, Peer>();
  readonly #silent = new Set<string>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Which of these somebody else holds now, and whether somebody that might could not be asked. */
  async heldAmong(volset: VolsetId, ids: SnapshotId[]): Promise<{ held: Set<SnapshotId>; silent: boolean }> {
    const held = new Set<SnapshotId>();
    let silent = false;
    for (const remote of this.#remotesOf(volset)) {
      const open = ids.filter((id) => !held.has(id));
      if (open.length === 0) break;
      const answer = await this.#ask(remote, volset, open);
      for (const id of answer ?? []) held.add(id);
      silent ||= answer === undefined;
    }
    return { held, silent };
  }

  #remotesOf(volset: VolsetId): RemoteConfig[] {
    const { meta } = this.#engine;
    return meta.listRemotes().filter(({ enabled, identity, volset: own }) => {
      if (!enabled) return false;
      return own === volset || (identity !== undefined && meta.peer(installOf(identity), volset) !== undefined);
    });
  }

  async #ask(remote: RemoteConfig, volset: VolsetId, ids: SnapshotId[]): Promise<SnapshotId[] | undefined> {
    if (this.#silent.has(remote.name)) return undefined;
    try {
      const peer = this.#peers.get(remote.name) ?? (await this.#engine.openPeer(remote));
      this.#peers.set(remote.name, peer);
      return await peer.holds(volset, ids);
    } catch (error) {
      this.#engine.signal.throwIfAborted();
      if (!(error instanceof PlaitError)) throw error;
      // Nothing of the volume set is there, or it is a hub that does not know the question.
      if (error.code === 'not-found') return [];
      this.#silent.add(remote.name);
      this.exits.add(error.exit);
      this.problems.push({ what: 'not-asked', message: `${remote.name} could not be asked: ${error.message}` });
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers.values()) await peer[Symbol.asyncDispose]();
  }
}

/** In the order given. Those that are not here are passed over. */
export async function release(
  engine: Engine,
  volset: VolsetId,
  ids: SnapshotId[],
  witnesses: Witnesses,
  options: ReleaseOptions,
): Promise<Released> {
  const done: Released = { dropped: [], kept: [] };
  for (let i = 0; i < ids.length; i += BATCH) {
    engine.signal.throwIfAborted();
    const asked = engine.world.now();
    const batch = await provable(engine, volset, ids.slice(i, i + BATCH), witnesses, options, done);
    if (options.dryRun) note(done, engine.meta.dropBlobs(volset, batch, options));
    else await letGo(engine, volset, batch, { asked, force: options.force, done });
  }
  return done;
}

/** Half of what a remote's word is good for: this process may have been stopped, or its machine asleep, since it was given. */
const GOOD_MS = PROMISE_MS / 2;

const stale = (): PlaitError =>
  new PlaitError('busy', 'What remotes said of their data is too old by now to drop anything for it.', {
    hint: 'Run the command again; what would have gone is still here.',
  });

/** Under the lock that gc of another process takes for each step: what is taken back was never garbage in between. */
async function letGo(
  engine: Engine,
  volset: VolsetId,
  ids: SnapshotId[],
  { asked, force, done }: { asked: number; force: boolean; done: Released },
): Promise<void> {
  if (ids.length === 0) return;
  await using writer = engine.blob.writer(volset, { signal: engine.signal });
  await writer.finish(() => {
    if (!force && Math.abs(engine.world.now() - asked) > GOOD_MS) throw stale();
    const dropped: Released = { dropped: [], kept: [] };
    note(dropped, engine.meta.dropBlobs(volset, ids, { force }));
    takeBack(engine, volset, dropped);
    done.dropped.push(...dropped.dropped);
    done.kept.push(...dropped.kept);
  });
}

/** What nothing here needs and, without force, somebody else holds. The rest is noted with its reason. */
async function provable(
  { dir, meta }: Engine,
  volset: VolsetId,
  ids: SnapshotId[],
  witnesses: Witnesses,
  { force }: ReleaseOptions,
  done: Released,
): Promise<SnapshotId[]> {
  const [bases, tips] = [basesOf({ dir }, volset), tipsOf({ meta }, volset)];
  const free: SnapshotId[] = [];
  for (const snapshot of ids) {
    if (bases.has(snapshot)) done.kept.push({ snapshot, reason: 'base' });
    else if (tips.has(snapshot) && !force) done.kept.push({ snapshot, reason: 'tip' });
    else free.push(snapshot);
  }
  const looked = meta.dropBlobs(volset, free, { force, dryRun: true });
  note(done, { dropped: [], refused: looked.refused });
  if (force || looked.dropped.length === 0) return looked.dropped;
  const { held, silent } = await witnesses.heldAmong(volset, looked.dropped);
  const lacking = looked.dropped.filter((id) => !held.has(id));
  done.kept.push(...lacking.map((snapshot): KeptRow => ({ snapshot, reason: silent ? 'not-asked' : 'unproven' })));
  return looked.dropped.filter((id) => held.has(id));
}

function note(done: Released, { dropped, refused }: ReturnType<Engine['meta']['dropBlobs']>): void {
  done.dropped.push(...dropped);
  for (const { snapshot, reason } of refused) if (reason !== 'absent') done.kept.push({ snapshot, reason });
}

/** A checkout that began meanwhile found the data here, where it still is: nothing has been collected yet. */
function takeBack(engine: Engine, volset: VolsetId, done: Released): void {
  if (done.dropped.length === 0) return;
  const bases = basesOf(engine, volset);
  const needed = done.dropped.filter((id) => bases.has(id));
  if (needed.length === 0) return;
  engine.meta.setBlobs(volset, needed);
  done.dropped = done.dropped.filter((id) => !bases.has(id));
  done.kept.push(...needed.map((snapshot): KeptRow => ({ snapshot, reason: 'base' })));
}
