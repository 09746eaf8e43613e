/**
 * What happened since a revision: generations and changes of own refs in one order (revisions.ts). Each page is read in
 * one transaction, of rows that are found by the index of their revision: O(page), whatever the log's length.
 */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import { isCount, malformed } from '../../core/malformed.ts';
import type { Change, Head } from '../../core/peer.ts';
import type { ChangesPage } from '../contract.ts';
import { headOf, headOfRow } from './blobs.ts';
import { type Engine, volsetNumber } from './engine.ts';
import { HEADER_COLUMNS, type HeaderRow, readGeneration, readVector } from './log.ts';
import { ownRefsBetween } from './ref-rows.ts';

const PAGE_RECORDS = 1000;
const PAGE_BYTES = 1024 * 1024;
/** Rows read at once of generations, and of refs. */
const WINDOW = 256;

export function changesAfter(engine: Engine, volset: VolsetId, after: number): ChangesPage {
  if (!isCount(after)) malformed('a revision is not a count');
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    const head = checkStart(engine, n, after);
    const changes: Change[] = [];
    let [records, bytes] = [0, 0];
    for (const found of merged(generationsAfter(engine, n, after), refsAfter(engine, n, after, head))) {
      const count = 'row' in found ? found.row.count : 1;
      if (changes.length > 0 && (records + count > PAGE_RECORDS || bytes >= PAGE_BYTES))
        return { changes, revision: changes[changes.length - 1].revision };
      const change = 'row' in found ? generationAt(engine, found.row) : found;
      changes.push(change);
      records += count;
      bytes += JSON.stringify(change).length;
    }
    const mark = { revision: head, vector: readVector(engine, n), blobs: headOf(engine, n) };
    return { changes, revision: changes.at(-1)?.revision ?? after, mark };
  });
}

/** Answers our revision. */
function checkStart({ db }: Engine, n: number, after: number): number {
  const row = db.get<{ revision: number; floor: number }>('SELECT revision, floor FROM volsets WHERE n = ?', n);
  const { revision, floor } = row as { revision: number; floor: number };
  if (after > revision) {
    throw new PlaitError('ahead', `Revision ${after} is not reached here: this store is at ${revision}.`, {
      hint: 'It was put back to an earlier state. Run `plait pull` from it, which says what is missing there.',
      data: { after, revision },
    });
  }
  if (after < floor) {
    throw new PlaitError('compacted', `The log behind revision ${after} was compacted, up to ${floor}.`, {
      hint: 'Take the state as it is now, and follow from there.',
      data: { after, floor },
    });
  }
  return revision;
}

interface Found {
  revision: number;
  row: HeaderRow;
}

type RefChange = Extract<Change, { ref: unknown }>;

const generationAt = (engine: Engine, row: HeaderRow): Change => ({
  revision: row.revision,
  generation: readGeneration(engine, row),
});

function* generationsAfter({ db }: Engine, n: number, after: number): Generator<Found> {
  for (let from = after; ; ) {
    const rows = db.all<HeaderRow>(
      `SELECT ${HEADER_COLUMNS} WHERE g.volset = ? AND g.revision > ? ORDER BY g.revision LIMIT ${WINDOW}`,
      n,
      from,
    );
    for (const row of rows) yield { revision: row.revision, row };
    if (rows.length < WINDOW) return;
    from = rows[rows.length - 1].revision;
  }
}

function* refsAfter(engine: Engine, n: number, after: number, upTo: number): Generator<RefChange> {
  for (let from = after; ; ) {
    const refs = ownRefsBetween(engine, n, from, upTo, WINDOW);
    for (const ref of refs) yield { revision: ref.revision, ref };
    if (refs.length < WINDOW) return;
    from = refs[refs.length - 1].revision;
  }
}

/** Both ascend, and have no revision in common. */
function* merged<A extends { revision: number }, B extends { revision: number }>(
  left: Generator<A>,
  right: Generator<B>,
): Generator<A | B> {
  let [a, b] = [left.next(), right.next()];
  while (!a.done || !b.done) {
    if (!a.done && (b.done || a.value.revision < b.value.revision)) {
      yield a.value;
      a = left.next();
    } else if (!b.done) {
      yield b.value;
      b = right.next();
    }
  }
}

/** One statement, and no row of it for which anything is counted. */
export function heads({ db }: Engine): { volset: VolsetId; head: Head; open: boolean }[] {
  return db
    .all<{ n: number; volset: VolsetId; revision: number; open: number; head: number | null; sum: string | null }>(
      `SELECT v.n, v.id AS volset, v.revision, v.open_count AS open, b.head, b.sum
       FROM volsets v LEFT JOIN numbers b ON b.volset = v.n ORDER BY v.n`,
    )
    .map(({ n, volset, revision, open, head, sum }) => ({
      volset,
      head: { revision, blobs: head === null || sum === null ? 0 : headOfRow(n, { head, sum }) },
      open: open > 0,
    }));
}
