/**
 * Answers to "what do I lack?". The plan is fixed by one read and looks at vectors and refs only; its rows are immutable
 * and paged afterwards, in the order in which this store learned them.
 */
import { PlaitError } from '../../core/errors.ts';
import { forked } from '../../core/generation.ts';
import { isStoreId, type StoreId, type VolsetId } from '../../core/ids.ts';
import { isCount, malformed } from '../../core/malformed.ts';
import type { Generation, Vector } from '../../core/records.ts';
import { checkVector, heldOf, missingRanges } from '../../core/vector.ts';
import type { DeltasPage, DeltasPlan } from '../contract.ts';
import { type Engine, findStoreNumber, volsetNumber } from './engine.ts';
import { HEADER_COLUMNS, type HeaderRow, hashAt, readGeneration, readVector } from './log.ts';
import { refsBetween } from './refs.ts';

const PAGE_RECORDS = 1000;
const PAGE_BYTES = 1024 * 1024;
/** Headers looked at per store and page. */
const WINDOW = 256;

/** What is still to be sent: per store the first and the last generation. */
type Cursor = [store: StoreId, from: number, to: number][];

export function planDeltas(engine: Engine, volset: VolsetId, theirs: Vector, knownRevision: number): DeltasPlan {
  checkVector(theirs);
  if (!isCount(knownRevision)) malformed('a ref revision is not a count');
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    const vector = readVector(engine, n);
    compareChains(engine, n, vector, theirs);
    const cursor: Cursor = missingRanges(vector, theirs).map(({ store, from, to }) => [store, from, to]);
    const revision = sendableRevision(engine, n);
    const refs = refsBetween(engine, n, findStoreNumber(engine, engine.self.store), knownRevision, revision);
    const generations = cursor.reduce((sum, [, from, to]) => sum + to - from + 1, 0);
    return { volset, vector, revision, refs, generations, cursor: JSON.stringify(cursor) };
  });
}

/** Refs moved since the open generation began may point at records in it, which leave this store only when it is cut. */
function sendableRevision({ db }: Engine, n: number): number {
  const row = db.get<{ revision: number; open_count: number; open_revision: number }>(
    'SELECT revision, open_count, open_revision FROM volsets WHERE n = ?',
    n,
  ) as { revision: number; open_count: number; open_revision: number };
  return row.open_count > 0 ? Math.min(row.revision, row.open_revision) : row.revision;
}

/** An entry of the asker that we hold as well must show our hash: else one store id stands for two histories. */
function compareChains(engine: Engine, n: number, ours: Vector, theirs: Vector): void {
  for (const [store, { generation, hash }] of Object.entries(theirs) as [StoreId, Vector[StoreId]][]) {
    const held = heldOf(ours, store);
    if (generation > held) continue;
    const own = generation === held ? ours[store].hash : hashAt(engine, n, store, generation);
    if (own !== hash) throw forked(store, generation);
  }
}

export function readDeltas(engine: Engine, volset: VolsetId, cursor: string): DeltasPage {
  const ranges = parseCursor(cursor);
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    const rest = new Map(ranges.map(([store, from, to]) => [store, { from, to }]));
    const generations: Generation[] = [];
    let [records, bytes] = [0, 0];
    for (const row of nextHeaders(engine, n, ranges)) {
      if (generations.length > 0 && (records + row.count > PAGE_RECORDS || bytes >= PAGE_BYTES)) break;
      const generation = readGeneration(engine, row);
      generations.push(generation);
      records += row.count;
      bytes += JSON.stringify(generation.records).length;
      const range = rest.get(row.store) as { from: number; to: number };
      range.from = row.generation + 1;
    }
    const left: Cursor = [...rest]
      .filter(([, { from, to }]) => from <= to)
      .map(([store, { from, to }]) => [store, from, to]);
    if (left.length > 0 && generations.length === 0) throw gone();
    return left.length > 0 ? { generations, cursor: JSON.stringify(left) } : { generations };
  });
}

/**
 * Headers in learning order, as far as it is certain. Each store's own are in that order already; past the last header
 * seen of a store that has more, others might have to wait for it.
 */
function nextHeaders({ db }: Engine, n: number, ranges: Cursor): HeaderRow[] {
  let certain = Number.MAX_SAFE_INTEGER;
  const rows: HeaderRow[] = [];
  for (const [store, from, to] of ranges) {
    const some = db.all<HeaderRow>(
      `SELECT ${HEADER_COLUMNS} WHERE g.volset = ? AND s.id = ? AND g.generation BETWEEN ? AND ?
       ORDER BY g.generation LIMIT ${WINDOW}`,
      n,
      store,
      from,
      to,
    );
    for (const row of some) rows.push(row);
    if (some.length === WINDOW) certain = Math.min(certain, (some.at(-1) as HeaderRow).position);
  }
  return rows.filter((row) => row.position <= certain).sort((a, b) => a.position - b.position);
}

function parseCursor(cursor: string): Cursor {
  let value: unknown;
  try {
    value = JSON.parse(cursor);
  } catch {
    return malformed('a cursor is not JSON');
  }
  const isRange = (range: unknown): boolean =>
    Array.isArray(range) && range.length === 3 && isStoreId(range[0]) && isCount(range[1]) && isCount(range[2]);
  if (!Array.isArray(value) || !value.every(isRange)) malformed('a cursor has another form');
  return value as Cursor;
}

const gone = (): PlaitError =>
  new PlaitError('integrity', 'Generations that this store claims to hold are missing.', {
    hint: 'Run `plait verify`; restore meta.db from a backup or rebuild it from the packs.',
  });
