/** `plait verify`: what the store claims, checked against what lies there. Reads in the reverse of the write order. */
import type { PackDamage } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { hex, KIND } from '../core/hash.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { jsonPath } from '../core/paths.ts';
import type { SnapshotView } from '../meta/contract.ts';
import { chanceOf, type Engine, type Outcome, outcome } from './engine.ts';
import type { JsonPath } from './results.ts';
import { packGenerations } from './settle.ts';

export interface Damage {
  what: string;
  volset: VolsetId | null;
  snapshots: SnapshotId[];
  paths: JsonPath[];
}

export interface VerifyResult {
  ok: boolean;
  checked: { volsets: number; snapshots: number; objects: number; packs: number };
  damage: Damage[];
  repaired: number;
  lost: number;
}

export interface VerifyOptions {
  readData: boolean;
  /** Of the packs: a share (0..1), or about so many bytes. */
  sample?: { fraction: number } | { bytes: number };
}

/** Paths named per damage; more would only bury the news. */
const MAX_PATHS = 20;
/** Ids per look-up. */
const BATCH = 4096;

export async function verify(engine: Engine, options: VerifyOptions): Promise<Outcome<VerifyResult>> {
  await packGenerations(engine);
  const checked = { volsets: 0, snapshots: 0, objects: 0, packs: engine.blob.packs().length };
  const damage: Damage[] = engine.meta.verify().map((what) => ({ what, volset: null, snapshots: [], paths: [] }));
  for (const { id: volset } of engine.meta.listVolsets()) {
    checked.volsets++;
    damage.push(...checkVolset(engine, volset, checked));
  }
  damage.push(...(await checkPacks(engine, options)));
  return outcome({ ok: damage.length === 0, checked, damage, repaired: 0, lost: 0 }, damage.length > 0 && 14);
}

/** Every ref resolves, every complete snapshot is complete; a tree shared with an earlier one is not walked again. */
function checkVolset(engine: Engine, volset: VolsetId, checked: VerifyResult['checked']): Damage[] {
  const damage: Damage[] = [];
  for (const branch of engine.meta.listBranches(volset)) {
    if (branch.tip !== null && !engine.meta.findSnapshot(volset, branch.tip)) {
      damage.push({
        what: `branch ${branch.name} points at an unknown snapshot`,
        volset,
        snapshots: [branch.tip],
        paths: [],
      });
    }
  }
  const phase = engine.reporter.phase('verifying', { items: engine.meta.findVolset(volset)?.snapshots });
  let previous: SnapshotView | undefined;
  for (const view of snapshotsOf(engine, volset)) {
    engine.signal.throwIfAborted();
    checked.snapshots++;
    phase.advance({ items: 1 });
    if (!view.hasBlob) continue;
    const fault = checkBlob(engine, volset, view, previous, checked);
    if (fault) damage.push(fault);
    else previous = view;
  }
  phase.end();
  return damage;
}

function* snapshotsOf(engine: Engine, volset: VolsetId): Generator<SnapshotView> {
  for (let after: SnapshotId | null = null; ; ) {
    const page = engine.meta.snapshotPage(volset, after, 1000);
    for (const id of page) {
      const view = engine.meta.findSnapshot(volset, id);
      if (view) yield view;
    }
    if (page.length === 0) return;
    after = page[page.length - 1];
  }
}

/** What the previous snapshot, found whole, does not cover: nodes canonical, chunks present. */
function checkBlob(
  engine: Engine,
  volset: VolsetId,
  { id, body }: SnapshotView,
  previous: SnapshotView | undefined,
  checked: VerifyResult['checked'],
): Damage | undefined {
  const reader = engine.blob.reader(volset);
  const bases = previous ? [previous.body.root] : [];
  try {
    engine.manifest.check(reader, body.root, bases);
    let batch: Uint8Array[] = [];
    const missing: Uint8Array[] = [];
    const flush = () => {
      const held = reader.has(KIND.chunk, Buffer.concat(batch));
      batch.forEach((chunk, i) => {
        if (held[i] === 0) missing.push(chunk);
      });
      batch = [];
    };
    for (const object of engine.manifest.reachable(reader, body.root, bases)) {
      checked.objects++;
      if (object.kind === KIND.chunk && batch.push(object.id) === BATCH) flush();
    }
    flush();
    if (missing.length === 0) return undefined;
    const lost = new Set(missing.map(hex));
    return {
      what: `${lost.size} chunks are missing`,
      volset,
      snapshots: [id],
      paths: pathsOf(engine, volset, body.root, lost),
    };
  } catch (error) {
    if (!(error instanceof PlaitError)) throw error;
    return { what: error.message, volset, snapshots: [id], paths: [] };
  }
}

/** Files that need one of these chunks. */
function pathsOf(engine: Engine, volset: VolsetId, root: SnapshotView['body']['root'], lost: Set<string>): JsonPath[] {
  const reader = engine.blob.reader(volset);
  const paths: JsonPath[] = [];
  for (const entry of engine.manifest.entries(reader, root)) {
    if (!entry.content) continue;
    for (const { id } of reader.extents(entry.content)) {
      if (id === undefined || !lost.has(hex(id))) continue;
      paths.push(jsonPath(entry.path));
      break;
    }
    if (paths.length >= MAX_PATHS) break;
  }
  return paths;
}

async function checkPacks(engine: Engine, options: VerifyOptions): Promise<Damage[]> {
  const damage: Damage[] = [];
  const random = chanceOf(engine.world);
  const phase = engine.reporter.phase('reading packs', { items: engine.blob.packs().length });
  let seen = 0;
  const onProgress = ({ packs }: { packs: number }) => {
    phase.advance({ items: packs - seen });
    seen = packs;
  };
  for await (const fault of engine.blob.verifyPacks({
    ...extent(engine, options),
    random,
    signal: engine.signal,
    onProgress,
  })) {
    damage.push(packDamage(engine, fault));
  }
  phase.end();
  return damage;
}

function packDamage(engine: Engine, { volset, pack, what, lost }: PackDamage): Damage {
  const chunks = new Set(lost.filter((o) => o.kind === KIND.chunk).map((o) => hex(o.id)));
  const snapshots: SnapshotId[] = [];
  const paths: JsonPath[] = [];
  if (chunks.size > 0) {
    for (const view of snapshotsOf(engine, volset)) {
      if (!view.hasBlob) continue;
      try {
        const found = pathsOf(engine, volset, view.body.root, chunks);
        if (found.length > 0) snapshots.push(view.id);
        if (paths.length === 0) paths.push(...found);
      } catch (error) {
        if (!(error instanceof PlaitError)) throw error;
        snapshots.push(view.id);
      }
    }
  }
  return { what: `pack ${pack.slice(0, 12)}: ${what}`, volset, snapshots, paths };
}

/** A sample is read whole; drawn by packs, so that each byte read is compared. */
function extent(engine: Engine, { readData, sample }: VerifyOptions): { readData: boolean; sample?: number } {
  if (sample === undefined) return { readData };
  if ('fraction' in sample) return { readData: true, sample: Math.max(sample.fraction, Number.EPSILON) };
  const total = engine.blob.packs().reduce((sum, pack) => sum + pack.bytes, 0);
  return { readData: true, sample: total === 0 ? 1 : Math.min(1, Math.max(sample.bytes / total, Number.EPSILON)) };
}
