/**
 * Brings back what damaged packs lost: from other volsets of this store, from working directories whose files still have
 * it, and from remotes. Whatever stays incomplete is marked damaged, so that nobody builds upon it.
 */
import { existsSync } from 'node:fs';
import type { BlobReader, ObjectRef } from '../../blob/contract.ts';
import { PlaitError } from '../../core/errors.ts';
import { KIND, unhex } from '../../core/hash.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import { encodeSnapshotBody } from '../../core/snapshot-body.ts';
import type { SnapshotView } from '../../meta/contract.ts';
import { downloadSnapshots } from '../../transfer/client.ts';
import type { Volume } from '../../volume/contract.ts';
import { collectChanges } from '../../volume/index.ts';
import { listVolumes } from '../../volume/volume.ts';
import type { Engine } from '../engine.ts';
import { completeSnapshots } from '../verify/snapshots.ts';
import type { Repaired } from './report.ts';
import { type Lacking, lackingAmong } from './whole.ts';

/** Rounds of copying: each finds what lies below nodes that the one before brought. */
const MAX_ROUNDS = 64;

export interface Healed {
  repaired: Repaired[];
  /** Snapshots of which something is lost for good. */
  lost: SnapshotId[];
}

export async function heal(engine: Engine, volset: VolsetId): Promise<Healed> {
  const repaired: Repaired[] = [];
  const known = new Set(engine.meta.damagedBlobs(volset));
  await putBodies(engine, volset);
  let lacking = lackingIn(engine, volset);
  const before = new Set([...known, ...lacking.map(({ snapshot }) => snapshot)]);
  if (before.size === 0) return { repaired, lost: [] };
  // First of all: from here on nobody takes them for whole, whatever happens to this command.
  mark(engine, volset, lacking);
  for (const source of [fromOthers, fromDirectories, fromRemotes]) {
    if (lacking.length === 0) break;
    lacking = await source(engine, volset, lacking);
  }
  const lost = new Set(lacking.map(({ snapshot }) => snapshot));
  // What was forgotten, or whose record has not come, nobody looked through.
  const whole = [...before].filter((id) => !lost.has(id) && engine.meta.findSnapshot(volset, id) !== undefined);
  // What came from a remote is marked so already.
  const damaged = new Set(engine.meta.damagedBlobs(volset));
  engine.meta.setBlobs(
    volset,
    whole.filter((id) => damaged.has(id)),
  );
  for (const id of whole) repaired.push({ what: `snapshot ${id.slice(0, 12)} is whole again`, volset });
  return { repaired, lost: [...lost] };
}

export const lackingIn = (engine: Engine, volset: VolsetId): Lacking[] => [
  ...lackingAmong(engine, volset, completeSnapshots(engine, volset)),
];

const mark = ({ meta }: Engine, volset: VolsetId, lacking: readonly Lacking[]): void =>
  meta.setDamaged(
    volset,
    lacking.map(({ snapshot }) => snapshot),
    true,
  );

/** Bodies stand in metadata as well. */
async function putBodies(engine: Engine, volset: VolsetId): Promise<void> {
  const reader = engine.blob.reader(volset);
  const lost: SnapshotView[] = [];
  for (const view of completeSnapshots(engine, volset))
    if (reader.has(KIND.snapshot, unhex(view.id))[0] === 0) lost.push(view);
  if (lost.length === 0) return;
  await using writer = engine.blob.writer(volset, { signal: engine.signal });
  for (const { body } of lost) writer.putObject(KIND.snapshot, encodeSnapshotBody(body));
  await writer.finish();
}

type Source = (engine: Engine, volset: VolsetId, lacking: Lacking[]) => Promise<Lacking[]>;

/** Copied, not shared: packs of another volset are freed by what that volset needs alone. */
const fromOthers: Source = async (engine, volset, lacking) => {
  const others = engine.meta.listVolsets().filter(({ id }) => id !== volset);
  if (others.length === 0) return lacking;
  let left = lacking;
  for (let round = 0; round < MAX_ROUNDS && left.length > 0; round++) {
    const wanted = left.flatMap(({ lost }) => lost);
    let count = 0;
    for (const { id } of others) count += await copyFrom(engine, id, volset, wanted);
    if (count === 0) break;
    left = lackingIn(engine, volset);
  }
  return left;
};

async function copyFrom({ blob, signal }: Engine, from: VolsetId, to: VolsetId, wanted: ObjectRef[]): Promise<number> {
  const reader = blob.reader(from);
  const own = blob.reader(to);
  await using writer = blob.writer(to, { signal });
  let count = 0;
  for (const { kind, id } of wanted) {
    if (own.has(kind, id)[0] === 1 || reader.has(kind, id)[0] === 0) continue;
    const bytes = soundBytes(reader, { kind, id });
    if (bytes === undefined) continue;
    writer.putObject(kind, bytes);
    count++;
  }
  if (count > 0) await writer.finish();
  return count;
}

/** Undefined where that one is damaged as well. */
function soundBytes(reader: BlobReader, { kind, id }: ObjectRef): Uint8Array | undefined {
  try {
    return reader.readObject(kind, id);
  } catch (error) {
    if (error instanceof PlaitError && (error.code === 'integrity' || error.code === 'blob-absent')) return undefined;
    throw error;
  }
}

/** Their files are read and hashed: what is lost is stored anew wherever it turns up, tree nodes included. */
const fromDirectories: Source = async (engine, volset, lacking) => {
  const volumes = listVolumes(engine.dir).filter(({ state }) => state.volset === volset && existsSync(state.dir));
  if (volumes.length === 0) return lacking;
  for (const volume of volumes) {
    try {
      await readAll(engine, volset, volume);
    } catch (error) {
      if (!(error instanceof PlaitError) || error.code === 'interrupted') throw error;
      engine.reporter.warn(`${volume.state.dir} could not be read for what is lost: ${error.message}`);
    }
  }
  return lackingIn(engine, volset);
};

async function readAll(engine: Engine, volset: VolsetId, volume: Volume): Promise<void> {
  const { blob, manifest, signal, world } = engine;
  await using writer = blob.writer(volset, { signal });
  const changes = collectChanges({
    volume: unsaved(volume),
    baseEntries: () => [],
    ingest: (root, files) => writer.ingest(root, files),
    looksOnly: true,
    dirTimes: true,
    signal,
    now: world.now,
  });
  const nodes = new Map<string, Uint8Array>();
  const root = manifest.build({ putNode: (bytes) => put(nodes, writer.putNode(bytes), bytes) }, []);
  const source = { readNode: (id: string) => nodes.get(id) as Uint8Array };
  await manifest.patchAsync(source, writer, root, changes);
  await writer.finish();
}

function put<K>(nodes: Map<string, Uint8Array>, id: K & string, bytes: Uint8Array): K & string {
  nodes.set(id, Uint8Array.from(bytes));
  return id;
}

/** As before its first snapshot: everything is read, nothing is taken from a cache. */
const unsaved = (volume: Volume): Volume =>
  Object.create(volume, { state: { value: { ...volume.state, base: null, baseRoot: null } } }) as Volume;

const fromRemotes: Source = async (engine, volset, lacking) => {
  let left = lacking;
  const remotes = engine.meta.listRemotes().filter((remote) => remote.enabled && remote.volset === volset);
  for (const remote of remotes) {
    if (left.length === 0) break;
    // What directories brought back is whole; the rest is asked for.
    mark(engine, volset, left);
    const { blob, meta, manifest, signal } = engine;
    const snapshots = left.map(({ snapshot }) => snapshot);
    try {
      await using peer = await engine.openPeer(remote);
      await downloadSnapshots({ peer, volset, snapshots, blob, meta, manifest, signal });
    } catch (error) {
      if (!(error instanceof PlaitError) || signal.aborted) throw error;
      engine.reporter.warn(`${remote.name} did not give back what is lost: ${error.message}`);
    }
    left = lackingIn(engine, volset);
  }
  return left;
};
