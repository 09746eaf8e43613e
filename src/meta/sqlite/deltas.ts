/**
 * Answers to "what do I lack?". The plan is fixed by one read and looks at vectors and refs only; its rows are immutable
 * and paged afterwards, in the order in which this store learned them.
 */
import { checkChainPoints } from '../../core/chain.ts';
import { PlaitError } from '../../core/errors.ts';
import { forked } from '../../core/generation.ts';
import { type GenerationHash, isHash, isStoreId, type StoreId, type VolsetId } from '../../core/ids.ts';
import { isCount, malformed } from '../../core/malformed.ts';
import type { ChainPoint } from '../../core/peer.ts';
import type { Generation, Vector } from '../../core/records.ts';
import { checkVector, type MissingRange } from '../../core/vector.ts';
import type { DeltasPage, DeltasPlan } from '../contract.ts';
import { readChains, stretches } from './chains.ts';
import { type Engine, volsetNumber } from './engine.ts';
import { HEADER_COLUMNS, type HeaderRow, readGeneration } from './log.ts';
import { ownRefsBetween } from './ref-rows.ts';
import { headRevision } from './revisions.ts';

const PAGE_RECORDS = 1000;
const PAGE_BYTES = 1024 * 1024;
/** Headers of one line of generations read at once, at most. */
const MAX_WINDOW = 256;

/** What is still to be sent: lines of generations, each named by its last one, which no later split can change. */
type Cursor = [store: StoreId, from: number, to: number, hash: GenerationHash][];

export function planDeltas(
  engine: Engine,
  volset: VolsetId,
  theirs: Vector,
  knownRevision: number,
  points: Record<StoreId, ChainPoint[]> = {},
): DeltasPlan {
  checkVector(theirs);
  checkChainPoints(points);
  if (!isCount(knownRevision)) malformed('a revision is not a count');
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    const chains = readChains(engine, n);
    const { cover, assumed, parted } = chains.express(theirs, points);
    // All that is not certain is asked for at once, so that one repeat is enough.
    if (parted.length > 0) throw forked([...new Set([...parted, ...assumed, ...(Object.keys(points) as StoreId[])])]);
    const missing = chains.missing(cover);
    const cursor = missing.map(({ store, from, to, hash }): Cursor[number] => [store, from, to, hash]);
    const revision = headRevision(engine, n);
    const refs = ownRefsBetween(engine, n, knownRevision, revision);
    const generations = missing.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    return { volset, vector: chains.vector(), revision, refs, generations, cursor: JSON.stringify(cursor) };
  });
}

export function readDeltas(engine: Engine, volset: VolsetId, cursor: string): DeltasPage {
  const ranges = parseCursor(cursor).map(([store, from, to, hash]) => ({ store, from, to, hash }));
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    const generations: Generation[] = [];
    let [records, bytes] = [0, 0];
    for (const { row, range } of nextHeaders(engine, n, ranges)) {
      if (generations.length > 0 && (records + row.count > PAGE_RECORDS || bytes >= PAGE_BYTES)) break;
      const generation = readGeneration(engine, row);
      generations.push(generation);
      records += row.count;
      bytes += JSON.stringify(generation.records).length;
      range.from = row.generation + 1;
    }
    const left = ranges
      .filter(({ from, to }) => from <= to)
      .map(({ store, from, to, hash }): Cursor[number] => [store, from, to, hash]);
    if (left.length > 0 && generations.length === 0) throw gone();
    return left.length > 0 ? { generations, cursor: JSON.stringify(left) } : { generations };
  });
}

interface Next {
  row: HeaderRow;
  range: MissingRange;
}

/** Headers in learning order, read as far as somebody goes on asking: a page has a few of them, of many lines. */
function* nextHeaders(engine: Engine, n: number, ranges: readonly MissingRange[]): Generator<Next> {
  // Last one first: the next to be sent is at the end.
  const lines: { row: HeaderRow; range: MissingRange; rest: Generator<HeaderRow> }[] = [];
  for (const range of ranges) {
    const rest = headersOf(engine, n, range);
    const first = rest.next();
    if (!first.done) lines.push({ row: first.value, range, rest });
  }
  lines.sort((a, b) => b.row.position - a.row.position);
  for (let line = lines.pop(); line !== undefined; line = lines.pop()) {
    yield line;
    const next = line.rest.next();
    if (next.done) continue;
    const { position } = next.value;
    let [low, high] = [0, lines.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lines[middle].row.position > position) low = middle + 1;
      else high = middle;
    }
    lines.splice(low, 0, { ...line, row: next.value });
  }
}

/** Of one line, which are in that order already. */
function* headersOf(engine: Engine, n: number, range: MissingRange): Generator<HeaderRow> {
  const parts = stretches(engine, n, range);
  if (parts === undefined) throw gone();
  let window = 2;
  for (const { chain, from, to } of parts.reverse()) {
    for (let at = from; at <= to; ) {
      const rows = engine.db.all<HeaderRow>(
        `SELECT ${HEADER_COLUMNS} WHERE g.volset = ? AND g.store = ? AND g.generation BETWEEN ? AND ?
         ORDER BY g.generation LIMIT ?`,
        n,
        chain,
        at,
        to,
        window,
      );
      yield* rows;
      if (rows.length < window) break;
      at += rows.length;
      window = Math.min(2 * window, MAX_WINDOW);
    }
  }
}

function parseCursor(cursor: string): Cursor {
  let value: unknown;
  try {
    value = JSON.parse(cursor);
  } catch {
    return malformed('a cursor is not JSON');
  }
  const isRange = (range: unknown): boolean =>
    Array.isArray(range) &&
    range.length === 4 &&
    isStoreId(range[0]) &&
    isCount(range[1]) &&
    isCount(range[2]) &&
    isHash(range[3]);
  if (!Array.isArray(value) || !value.every(isRange)) malformed('a cursor has another form');
  return value as Cursor;
}

const gone = (): PlaitError =>
  new PlaitError('integrity', 'Generations that this store claims to hold are missing.', {
    hint: 'Run `plait verify`; restore meta.db from a backup or rebuild it from the packs.',
  });
