/**
 * Drops what nobody needs any more: writes that others follow, where every active member holds a write that follows.
 * Whoever holds the follower holds the write (a vector is causally closed), so it is never asked for again by them. In
 * its place stay its author, stamp, what it followed and the hash of what it said: generations can be verified as before,
 * and a newcomer, a reader or a member that was retired gets one ordinary stream, which shows it the same heads.
 * What is pinned is left as it is: a write goes only if whoever reads up to the pin reads one that follows it, too.
 * Unfollowed writes, tombstones and snapshots are not touched, and neither is the open generation.
 */
import { canonicalText } from '../../core/canonical.ts';
import type { ChainId, GenerationHash, VolsetId, WriteId } from '../../core/ids.ts';
import { type LoggedRecord, pastOf, type Vector } from '../../core/records.ts';
import { readChains } from './chains.ts';
import { type Engine, ensureStore, volsetNumber } from './engine.ts';
import { heldByMembers, retireUnseen } from './members.ts';
import { smallestPin } from './pins.ts';

/** Rows changed in one transaction, and rows read. */
const BATCH = 10_000;

interface Step {
  dropped: number;
  read: number;
  /** The largest revision of a generation that lost something. */
  floor: number;
}

export function compact(
  engine: Engine,
  volset: VolsetId,
  { retireAfterMs }: { retireAfterMs: number },
): { dropped: number; upTo: Vector } {
  const n = volsetNumber(engine, volset);
  engine.db.write(() => retireUnseen(engine, n, engine.now() - retireAfterMs));
  let dropped = 0;
  for (let step: Step | undefined; step === undefined || isFull(step); dropped += step.dropped)
    step = engine.db.write(() => compactSome(engine, n));
  return { dropped, upTo: compactedVector(engine, n) };
}

const isFull = ({ dropped, read }: Step): boolean => dropped >= BATCH || read >= BATCH;

/** One transaction. Who is a member, and holds what, is asked anew in each. */
function compactSome(engine: Engine, n: number): Step {
  const step: Step = { dropped: 0, read: 0, floor: 0 };
  const pinned = smallestPin(engine, n);
  for (const [chain, upTo] of heldByAll(engine, n)) {
    const number = ensureStore(engine, chain);
    const from = compactedUpTo(engine, n, number);
    const last = compactChain(engine, n, number, { from, upTo, pinned }, step);
    if (last > from) putCompacted(engine, n, number, last);
    if (isFull(step)) break;
  }
  raiseFloor(engine, n, step.floor);
  return step;
}

/** Who resumes below it would be sent what is no longer as it was. */
const raiseFloor = ({ db }: Engine, n: number, floor: number): number =>
  db.run('UPDATE volsets SET floor = ? WHERE n = ? AND floor < ?', floor, n, floor);

/** Up to where each of our chains is held by all active members. One that never said what it holds blocks everything. */
function heldByAll(engine: Engine, n: number): Map<ChainId, number> {
  const chains = readChains(engine, n);
  const ours = Object.entries(chains.vector()) as [ChainId, Vector[ChainId]][];
  const common = new Map(ours.map(([chain, { generation }]) => [chain, generation]));
  for (const { held } of heldByMembers(engine, n)) {
    const cover = chains.cover(held);
    for (const [chain, generation] of common) common.set(chain, Math.min(generation, cover.get(chain) ?? 0));
  }
  return common;
}

/** Answers the last generation that is done. */
function compactChain(
  { db }: Engine,
  n: number,
  chain: number,
  { from, upTo, pinned }: { from: number; upTo: number; pinned: number },
  step: Step,
): number {
  let last = from;
  const rows = db.each<{ generation: number; position: number; revision: number }>(
    `SELECT generation, position, revision FROM generations
     WHERE volset = ? AND store = ? AND generation > ? AND generation <= ? ORDER BY generation`,
    n,
    chain,
    from,
    upTo,
  );
  for (const { generation, position, revision } of rows) {
    // Those behind it in its chain came later.
    if (revision > pinned) break;
    // Begun again with the next batch; what was dropped is passed over then.
    if (!dropParents(db, n, position, step)) break;
    last = generation;
    if (isFull(step)) break;
  }
  return last;
}

/** Drops what the writes of one generation follow. False: the batch was full before its end. */
function dropParents(db: Engine['db'], n: number, position: number, step: Step): boolean {
  for (const { body } of db.all<{ body: string }>(
    'SELECT body FROM records WHERE position = ? ORDER BY idx',
    position,
  )) {
    step.read++;
    const record = JSON.parse(body) as LoggedRecord;
    // One that was dropped itself by now, or where it came from, followed them nevertheless.
    if (record.type !== 'write' && record.type !== 'past') continue;
    for (const parent of record.parents) {
      if (step.dropped >= BATCH) return false;
      dropWrite(db, n, parent, step);
    }
  }
  return true;
}

/** Wherever it is logged: two stores may have made the same resolution. */
function dropWrite(db: Engine['db'], n: number, id: WriteId, step: Step): void {
  const rows = db.all<{ position: number; idx: number; body: string; revision: number }>(
    `SELECT r.position, r.idx, r.body, g.revision FROM records r JOIN generations g ON g.position = r.position
     WHERE r.volset = ? AND r.id = ? AND r.position > 0`,
    n,
    id,
  );
  for (const { position, idx, body, revision } of rows) {
    const record = JSON.parse(body) as LoggedRecord;
    if (record.type !== 'write') continue;
    const past = canonicalText(pastOf(record));
    // Nothing would be won, and a generation must not grow beyond what a peer takes.
    if (past.length >= body.length) continue;
    step.dropped += db.run('UPDATE records SET body = ? WHERE position = ? AND idx = ?', past, position, idx);
    step.floor = Math.max(step.floor, revision);
  }
}

const compactedUpTo = ({ db }: Engine, n: number, chain: number): number =>
  db.get<{ generation: number }>('SELECT generation FROM compacted WHERE volset = ? AND store = ?', n, chain)
    ?.generation ?? 0;

const putCompacted = ({ db }: Engine, n: number, chain: number, generation: number): number =>
  db.run(
    `INSERT INTO compacted(volset, store, generation) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET generation = max(generation, excluded.generation)`,
    n,
    chain,
    generation,
  );

function compactedVector({ db }: Engine, n: number): Vector {
  const rows = db.all<{ id: ChainId; generation: number; hash: GenerationHash }>(
    `SELECT s.id, g.generation, g.hash FROM compacted c JOIN stores s ON s.n = c.store
     JOIN generations g ON g.volset = c.volset AND g.store = c.store AND g.generation = c.generation
     WHERE c.volset = ? ORDER BY s.id`,
    n,
  );
  return Object.fromEntries(rows.map(({ id, generation, hash }) => [id, { generation, hash }]));
}
