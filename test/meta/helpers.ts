/** Small histories for tests of metadata stores: ids, bodies, and exchange of rounds as a session does it. */
import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { BranchId, NodeId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Policy } from '../../src/core/reconcile.ts';
import type { Generation, SnapshotBody, Vector } from '../../src/core/records.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { type Applied, type Edit, type MetaStore, openMetaStore, type Round } from '../../src/meta/index.ts';

export const V = 'c0'.repeat(16) as VolsetId;
export const branchId = (n: number): BranchId => n.toString(16).padStart(32, '0') as BranchId;
export const newId = (): string => randomBytes(16).toString('hex');

let made = 0;
/** Each body is another one. */
export function snapshotOf(
  parents: SnapshotId[],
  more: Partial<SnapshotBody> = {},
): { id: SnapshotId; body: SnapshotBody } {
  const root = (made++).toString(16).padStart(64, '0') as NodeId;
  const body: SnapshotBody = {
    type: 'snapshot',
    volset: V,
    parents,
    root,
    created: made,
    creator: 't',
    files: 1,
    bytes: 2,
    ...more,
  };
  return { id: idOfBody(body), body };
}

export const addSnapshot = (s: { id: SnapshotId; body: SnapshotBody }, blob = true): Edit => ({
  edit: 'snapshot',
  ...s,
  blob,
});

/** A volset with branch 1 named main and one snapshot on it. */
export function seed(meta: MetaStore): SnapshotId {
  const first = snapshotOf([]);
  meta.commit(V, [
    { edit: 'create-volset', name: 'data', creator: 'ada' },
    { edit: 'create-branch', branch: branchId(1), name: 'main', creator: 'ada' },
    addSnapshot(first),
    { edit: 'move-ref', branch: branchId(1), from: null, to: first.id },
  ]);
  return first.id;
}

/** A snapshot on top of a branch. */
export function grow(meta: MetaStore, branch = branchId(1)): SnapshotId {
  const from = meta.findBranch(V, branch)?.tip ?? null;
  const next = snapshotOf(from ? [from] : []);
  meta.commit(V, [addSnapshot(next), { edit: 'move-ref', branch, from, to: next.id }]);
  return next.id;
}

export function generationsFor(from: MetaStore, theirs: Vector): Generation[] {
  const generations: Generation[] = [];
  for (let cursor: string | undefined = from.planDeltas(V, theirs, 0).cursor; cursor !== undefined; ) {
    const page = from.readDeltas(V, cursor);
    generations.push(...page.generations);
    cursor = page.cursor;
  }
  return generations;
}

/** What `from` would answer to `to`. */
export function roundFrom(from: MetaStore, theirs: Vector, knownRevision = 0): Round {
  const { refs, revision, vector } = from.planDeltas(V, theirs, knownRevision);
  return { peer: from.self.store, generations: generationsFor(from, theirs), refs, revision, vector };
}

/**
 * `to` fetches from `from`; the answerer cuts first, as a session's own side does. Without a policy this is what a hub
 * makes of a push.
 */
export function fetchFrom(to: MetaStore, from: MetaStore, more: Partial<Round> = {}): Applied {
  from.cut(V);
  const known = to.knowsVolset(V) ? to.cut(V) : {};
  return to.apply(V, { ...roundFrom(from, known), ...more });
}

/** `store` pulls with a policy, then pushes to `peer`, which only records what meets. */
export function syncWith(store: MetaStore, peer: MetaStore, policy: Policy = 'target'): Applied {
  const applied = fetchFrom(store, peer, { policy });
  fetchFrom(peer, store);
  return applied;
}

export const set = (register: string, value: string | null): Edit => ({ edit: 'set', register, value });

/** A store without a file, whose clock shows `time` (milliseconds since the epoch) until it is set. */
export function memoryStore(time = 1e12): MetaStore & { clock: { time: number } } {
  const clock = { time };
  const store = openMetaStore({ path: ':memory:', label: 'here', now: () => clock.time });
  return Object.defineProperty(store, 'clock', { value: clock }) as MetaStore & { clock: { time: number } };
}

/** Everything that every store should show alike once they know the same. */
export const visible = (store: MetaStore): unknown => ({
  volset: store.findVolset(V),
  branches: store.listBranches(V).map(({ id, name }) => [id, name]),
  snapshots: store.snapshotPage(V, null, 1000).map((id) => ({ ...store.findSnapshot(V, id), hasBlob: null })),
});

/** Every row of every table. */
export function dump(path: string): string {
  const db = new DatabaseSync(path, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const text = tables
    .map(({ name }) => `${name}\n${JSON.stringify(db.prepare(`SELECT * FROM ${name}`).all())}`)
    .join('\n');
  db.close();
  return text;
}
