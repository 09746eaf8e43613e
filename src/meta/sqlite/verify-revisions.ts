/** Is the order in which changes are told the one in which they were learned, with no place taken twice? */
import type { BranchId } from '../../core/ids.ts';
import type { Engine } from './engine.ts';
import { OWN_REFS, ownRefsBetween } from './ref-rows.ts';
import { WAITING } from './revisions.ts';

interface Counter {
  revision: number;
  floor: number;
  open_count: number;
}

export function* revisionFaults(engine: Engine, n: number): Generator<string> {
  const { db } = engine;
  const counter = db.get<Counter>('SELECT revision, floor, open_count FROM volsets WHERE n = ?', n) as Counter;
  if (counter.floor > counter.revision) yield `it was compacted beyond its revision (${counter.revision})`;
  const taken = new Set<number>();
  let last = 0;
  for (const { revision } of db.each<{ revision: number }>(
    'SELECT revision FROM generations WHERE volset = ? ORDER BY position',
    n,
  )) {
    if (revision <= last || revision > counter.revision) yield `a generation has the revision ${revision} out of order`;
    last = revision;
    taken.add(revision);
  }
  for (const { branch, revision } of ownRefsBetween(engine, n, 0, Number.MAX_SAFE_INTEGER)) {
    const waits = revision > WAITING && counter.open_count > 0;
    if (taken.has(revision) || (revision > counter.revision && !waits))
      yield `branch ${branch} moved at the revision ${revision}, which is not its own`;
    taken.add(revision);
  }
  for (const branch of tooEarly(engine, n))
    yield `branch ${branch} is told before the generation that holds its snapshot`;
}

const tooEarly = ({ db }: Engine, n: number): BranchId[] =>
  db
    .all<{ branch: BranchId }>(
      `SELECT branch FROM refs f WHERE volset = ? AND store = ? AND snapshot IS NOT NULL AND revision <= ?
       AND NOT EXISTS (
         SELECT 1 FROM records r JOIN generations g ON g.position = r.position
         WHERE r.volset = f.volset AND r.id = f.snapshot AND g.revision < f.revision)`,
      n,
      OWN_REFS,
      WAITING,
    )
    .map(({ branch }) => branch);
