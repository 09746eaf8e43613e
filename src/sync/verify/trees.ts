/**
 * Every complete snapshot is complete: its nodes are canonical, its chunks are there and as long as it says. One pass;
 * what a snapshot shares with its parents is not looked at again: the one before it in time may be of another line, and
 * differ in much.
 */
import { setImmediate } from 'node:timers/promises';
import type { ObjectRef } from '../../blob/contract.ts';
import { PlaitError } from '../../core/errors.ts';
import { hex, KIND, type Kind, objectKey, unhex } from '../../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../core/ids.ts';
import type { SnapshotView } from '../../meta/contract.ts';
import type { Engine } from '../engine.ts';
import { type Finding, noneAffected } from './findings.ts';
import { completeSnapshots } from './snapshots.ts';

export interface Checked {
  volsets: number;
  snapshots: number;
  objects: number;
  packs: number;
}

/** Ids per look-up. */
const BATCH = 4096;
/** After that long signals are heard, and progress is drawn. */
const SLICE_MS = 50;

interface Trees {
  engine: Engine;
  volset: VolsetId;
  checked: Checked;
  /** Not known to the index, by kind and id. */
  missing: Map<string, ObjectRef>;
  /** Snapshots that cannot be walked, by why. */
  broken: Map<string, { snapshots: SnapshotId[]; pack?: string; missing?: string }>;
  notWalked: Set<SnapshotId>;
}

export interface TreeFaults {
  findings: Finding[];
  /** Snapshots whose trees cannot be walked because of a pack. */
  byPack: Map<string, SnapshotId[]>;
}

export async function treeFaults(engine: Engine, volset: VolsetId, checked: Checked): Promise<TreeFaults> {
  const trees: Trees = { engine, volset, checked, missing: new Map(), broken: new Map(), notWalked: new Set() };
  const phase = engine.reporter.phase('checking snapshots', { items: engine.meta.findVolset(volset)?.snapshots });
  let previous: NodeId | undefined;
  let since = performance.now();
  for (const view of completeSnapshots(engine, volset)) {
    checked.snapshots++;
    const before = walkedParents(trees, view);
    const { root } = view.body;
    if (walk(trees, view.id, root, before.length > 0 || previous === undefined ? before : [previous])) previous = root;
    phase.advance({ items: 1 });
    if (performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    since = performance.now();
  }
  phase.end();
  return sorted(trees);
}

/** Roots of the parents that were found walkable: those that come earlier in the order of this pass. */
function walkedParents({ engine, volset, notWalked }: Trees, { id, body }: SnapshotView): NodeId[] {
  return body.parents.flatMap((parent) => {
    const view = notWalked.has(parent) ? undefined : engine.meta.findSnapshot(volset, parent);
    if (!view?.hasBlob) return [];
    const { created, root } = view.body;
    return created < body.created || (created === body.created && parent < id) ? [root] : [];
  });
}

function walk(trees: Trees, snapshot: SnapshotId, root: NodeId, bases: NodeId[]): boolean {
  const { engine, volset } = trees;
  const reader = engine.blob.reader(volset);
  try {
    engine.manifest.check(reader, root, bases);
    checkChunks(trees, root, bases);
    return true;
  } catch (error) {
    if (!(error instanceof PlaitError)) throw error;
    noteBroken(trees, snapshot, error);
    trees.notWalked.add(snapshot);
    return false;
  }
}

function checkChunks({ engine, volset, checked, missing }: Trees, root: NodeId, bases: NodeId[]): void {
  const reader = engine.blob.reader(volset);
  let batch: { id: Uint8Array; length: number | undefined }[] = [];
  const flush = (): void => {
    const lengths = reader.lengths(KIND.chunk, Buffer.concat(batch.map(({ id }) => id)));
    batch.forEach(({ id, length }, n) => {
      if (lengths[n] === 0) missing.set(keyOf({ kind: KIND.chunk, id }), { kind: KIND.chunk, id: Uint8Array.from(id) });
      else if (length !== undefined && lengths[n] !== length)
        throw new PlaitError('integrity', `the chunk ${hex(id)} has ${lengths[n]} bytes where a file says ${length}`);
    });
    batch = [];
  };
  for (const { kind, id, length } of engine.manifest.reachable(reader, root, bases)) {
    checked.objects++;
    if (kind === KIND.chunk && batch.push({ id, length }) === BATCH) flush();
  }
  flush();
}

const keyOf = ({ kind, id }: ObjectRef): string => objectKey(kind, id);

function noteBroken({ missing, broken }: Trees, snapshot: SnapshotId, error: PlaitError): void {
  const { kind, id, pack } = error.data ?? {};
  const ref = typeof kind === 'number' && typeof id === 'string' ? { kind: kind as Kind, id: unhex(id) } : undefined;
  if (error.code === 'blob-absent' && ref) missing.set(keyOf(ref), ref);
  const known = broken.get(error.message);
  if (known) known.snapshots.push(snapshot);
  else
    broken.set(error.message, {
      snapshots: [snapshot],
      ...(typeof pack === 'string' && { pack }),
      ...(error.code === 'blob-absent' && ref && { missing: keyOf(ref) }),
    });
}

/** What is missing lies in packs nevertheless, or nowhere; each in one finding. */
async function sorted({ engine, volset, missing, broken }: Trees): Promise<TreeFaults> {
  const lying = missing.size > 0 ? await engine.blob.inPacks([...missing.values()]) : [];
  const unindexed = new Set(lying.map(keyOf));
  const nowhere = [...missing.values()].filter((ref) => !unindexed.has(keyOf(ref)));
  const index: Finding = {
    ...noneAffected(),
    kind: 'index',
    volset,
    lost: lying,
    what: `the chunk index lacks ${lying.length} objects that lie in packs`,
  };
  const lost: Finding = {
    ...noneAffected(),
    kind: 'missing',
    volset,
    lost: nowhere,
    what: `${describe(nowhere)} are missing`,
  };
  const findings: Finding[] = [...(lying.length > 0 ? [index] : []), ...(nowhere.length > 0 ? [lost] : [])];
  const byPack = new Map<string, SnapshotId[]>();
  for (const [what, { snapshots, pack, missing: key }] of broken) {
    if (key !== undefined) (unindexed.has(key) ? index : lost).snapshots.push(...snapshots);
    else if (pack !== undefined) byPack.set(pack, [...(byPack.get(pack) ?? []), ...snapshots]);
    else findings.push({ ...noneAffected(), kind: 'tree', volset, what, snapshots });
  }
  return { findings, byPack };
}

function describe(refs: ObjectRef[]): string {
  const nodes = refs.filter(({ kind }) => kind === KIND.node).length;
  const chunks = refs.length - nodes;
  return [chunks > 0 && `${chunks} chunks`, nodes > 0 && `${nodes} nodes of trees`].filter(Boolean).join(' and ');
}
