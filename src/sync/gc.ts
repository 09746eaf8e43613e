/**
 * `plait gc`: frees what nothing needs. With a retention, blobs that no rule keeps are let go first: here only, their
 * records stay, and only what somebody else holds goes without --force.
 */
import type { CollectStats } from '../blob/contract.ts';
import { KIND, unhex } from '../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import { isRetention, type Retention } from '../core/retention.ts';
import { decodeSnapshotBody } from '../core/snapshot-body.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { basesOf } from './gc-in-use.ts';
import { completeBlobs, type DroppedRow, droppedRows, unkept } from './gc-plan.ts';
import { type KeptRow, type Released, release, Witnesses } from './gc-release.ts';
import type { ProblemRow } from './results.ts';
import { packGenerations } from './settle.ts';

export interface GcOptions {
  dryRun: boolean;
  /** Nobody else need hold what goes. */
  force: boolean;
  rules: Retention;
  /** Members unseen for so long are retired. */
  retireAfterMs: number;
}

export interface GcVolset {
  /** Null: deleted. */
  volset: string | null;
  volsetId: VolsetId;
  dropped: DroppedRow[];
  /** Of those that no rule keeps, and of those that are nobody's any more: what stays, and why. */
  kept: KeptRow[];
}

export interface GcResult {
  dryRun: boolean;
  /** Snapshots whose data is here afterwards. */
  kept: number;
  dropped: number;
  freedBytes: number;
  bytesBefore: number;
  bytesAfter: number;
  packsRemoved: number;
  packsRewritten: number;
  objectsRemoved: number;
  /** Writes of the log that nobody needs any more. */
  writesDropped: number;
  volsets: GcVolset[];
  problems: ProblemRow[];
}

export async function gc(engine: Engine, options: GcOptions): Promise<Outcome<GcResult>> {
  const { meta, world } = engine;
  await using witnesses = new Witnesses(engine);
  const all = meta.heads().map(({ volset }) => volset);
  const volsets: GcVolset[] = [];
  const erased = toErase(engine, all, options);
  for (const id of all) volsets.push(await letGo(engine, id, witnesses, options));
  let writesDropped = 0;
  if (!options.dryRun) writesDropped = await compactAll(engine, all, options);
  const going = new Set(
    options.dryRun ? volsets.flatMap(({ dropped }) => dropped.map(({ snapshot }) => snapshot)) : [],
  );
  const stats = await collect(engine, all, { dryRun: options.dryRun, going, thorough: erased });
  const skipped = stats.skipped.map(
    ({ volset, what }): ProblemRow => ({
      what: 'damaged',
      message: `${nameOf(engine, volset)} was left as it is: ${what}`,
    }),
  );
  const { bytesBefore, bytesAfter, packsRemoved, packsRewritten, objectsRemoved } = stats;
  const result: GcResult = {
    dryRun: options.dryRun,
    kept: all.reduce((sum, volset) => sum + countBlobs(engine, volset), 0) - going.size,
    dropped: volsets.reduce((sum, { dropped }) => sum + dropped.length, 0),
    freedBytes: Math.max(0, bytesBefore - bytesAfter),
    bytesBefore,
    bytesAfter,
    packsRemoved,
    packsRewritten,
    objectsRemoved,
    writesDropped,
    volsets: volsets.filter(({ dropped, kept }) => dropped.length + kept.length > 0),
    problems: [...witnesses.problems, ...skipped],
  };
  const lacksProof = volsets.some(({ kept }) => kept.some(({ reason }) => reason === 'unproven'));
  const done = outcome(result, ...witnesses.exits, lacksProof && 9, skipped.length > 0 && 14);
  if (!options.dryRun) noteErased(engine, erased, stats);
  if (!options.dryRun && skipped.length === 0)
    meta.putStamp({ what: 'gc', volset: null, at: world.now(), detail: JSON.stringify({ freed: result.freedBytes }) });
  return done;
}

/**
 * Volsets in which something was forgotten: no byte of it may stay behind in a pack that is needed otherwise. Noted
 * before its rows go, since afterwards nothing tells of it where the run is cut off.
 */
function toErase({ meta, world }: Engine, volsets: VolsetId[], { dryRun }: GcOptions): Set<VolsetId> {
  const begun = meta.stamps().filter(({ what, detail }) => what === 'erase' && detail === 'begun');
  const erased = new Set(begun.flatMap(({ volset }) => volset ?? []));
  for (const volset of volsets) {
    if (!meta.findVolset(volset) || meta.goneBlobs(volset).length === 0) continue;
    erased.add(volset);
    if (!dryRun) meta.putStamp({ what: 'erase', volset, at: world.now(), detail: 'begun' });
  }
  return erased;
}

function noteErased({ meta, world }: Engine, erased: ReadonlySet<VolsetId>, { skipped, busy }: CollectStats): void {
  const left = new Set([...busy, ...skipped.map(({ volset }) => volset)]);
  for (const volset of erased) {
    if (!left.has(volset)) meta.putStamp({ what: 'erase', volset, at: world.now(), detail: 'done' });
  }
}

const nameOf = ({ meta }: Engine, volset: VolsetId): string => meta.findVolset(volset)?.name ?? volset.slice(0, 12);

async function letGo(engine: Engine, volset: VolsetId, witnesses: Witnesses, options: GcOptions): Promise<GcVolset> {
  const { meta } = engine;
  const { dryRun, force, rules } = options;
  const name = meta.findVolset(volset)?.name ?? null;
  // A working directory that stands on what was forgotten compares itself with it until it moves on.
  const bases = name === null ? new Set<SnapshotId>() : basesOf(engine, volset);
  const gone = meta.goneBlobs(volset).filter((id) => !bases.has(id));
  const old = name !== null && isRetention(rules) ? unkept(engine, volset, rules) : [];
  const rows = new Map(droppedRows(engine, volset, [...gone, ...old]).map((row) => [row.snapshot, row]));
  // Nobody is asked for what was forgotten.
  const first = releaseGone(engine, volset, gone, dryRun);
  const second = await release(engine, volset, old, witnesses, { dryRun, force });
  return {
    volset: name,
    volsetId: volset,
    dropped: [...first.dropped, ...second.dropped].map((id) => rows.get(id) as DroppedRow),
    kept: [...first.kept, ...second.kept],
  };
}

function releaseGone({ meta }: Engine, volset: VolsetId, ids: SnapshotId[], dryRun: boolean): Released {
  const { dropped, refused } = meta.dropBlobs(volset, ids, { dryRun });
  return { dropped, kept: refused.filter(({ reason }) => reason !== 'absent') as KeptRow[] };
}

/** The log, and what packs hold of it. */
async function compactAll(engine: Engine, volsets: VolsetId[], { retireAfterMs }: GcOptions): Promise<number> {
  let dropped = 0;
  for (const volset of volsets) dropped += engine.meta.compact(volset, { retireAfterMs }).dropped;
  await packGenerations(engine);
  return dropped;
}

/** `going`: counted as if it were dropped. `thorough`: no garbage of these stays in any pack. */
export async function collect(
  engine: Engine,
  volsets: VolsetId[],
  {
    dryRun,
    going = new Set(),
    thorough,
  }: { dryRun: boolean; going?: ReadonlySet<SnapshotId>; thorough?: ReadonlySet<VolsetId> },
): Promise<CollectStats> {
  const phase = engine.reporter.phase('collecting');
  try {
    return await engine.blob.collect({
      volsets,
      roots: function* (volset, after) {
        for (const { number, snapshot } of completeBlobs(engine, volset, after))
          if (!going.has(snapshot)) yield { number, snapshot, root: rootOf(engine, volset, snapshot) };
      },
      dryRun,
      ...(thorough && { thorough }),
      signal: engine.signal,
    });
  } finally {
    phase.end();
  }
}

/** A push brings blobs before records: then the body says it. */
function rootOf({ meta, blob }: Engine, volset: VolsetId, id: SnapshotId): NodeId {
  const view = meta.findVolset(volset) ? meta.findSnapshot(volset, id) : undefined;
  return view?.body.root ?? decodeSnapshotBody(blob.reader(volset).readObject(KIND.snapshot, unhex(id)), volset).root;
}

function countBlobs(engine: Engine, volset: VolsetId): number {
  let count = 0;
  for (const _ of completeBlobs(engine, volset)) count++;
  return count;
}
