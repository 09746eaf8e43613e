/**
 * A page of history: a walk from tips by time of creation, newest first. All that it takes to go on are the heads that were
 * not shown yet, so a page reads its own rows and their parents and nothing else. Where a parent says to be newer than its
 * child, and another page showed it as the parent of somebody else, it is shown again.
 */
import { PlaitError } from '../../core/errors.ts';
import { Heap } from '../../core/heap.ts';
import type { HistoryRow } from '../../core/history-row.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { HistoryWish, SnapshotFacts } from '../contract.ts';
import type { Engine } from './engine.ts';
import { entriesOf } from './history-rows.ts';
import { liveVolset } from './live-volset.ts';
import { OWN_REFS } from './ref-rows.ts';
import { remoteNames } from './remote-names.ts';
import { headRevision } from './revisions.ts';
import { knowsSnapshot } from './snapshots.ts';
import { findSnapshot } from './views.ts';

/** A snapshot's place in the walk. */
interface Place {
  id: SnapshotId;
  created: number;
  depth: number;
  parents: string;
}

/** Of one instant of the clock, the one that follows the other first. */
function isEarlier(a: Place, b: Place): boolean {
  if (a.created !== b.created) return a.created > b.created;
  return a.depth === b.depth ? a.id > b.id : a.depth > b.depth;
}

export function historyPage(
  engine: Engine,
  volset: VolsetId,
  { from, limit, only = false, frontier, chars }: HistoryWish,
): { revision: number; rows: HistoryRow[]; next: SnapshotId[] } {
  return engine.db.read(() => {
    const n = liveVolset(engine, volset);
    const walk = new HistoryWalk(engine, n, !only);
    walk.begin(from ?? startsOf(engine, n, frontier));
    const shown: { id: SnapshotId; parents: SnapshotId[] }[] = [];
    while (shown.length < limit) {
      const next = walk.next();
      if (next === undefined) break;
      shown.push(next);
    }
    const rows = entriesOf(engine, volset, n, shown, chars);
    return { revision: headRevision(engine, n), rows, next: headsOf(engine, n, walk, frontier) };
  });
}

export function snapshotFacts(engine: Engine, volset: VolsetId, id: SnapshotId): SnapshotFacts {
  return engine.db.read(() => {
    const n = liveVolset(engine, volset);
    const view = findSnapshot(engine, volset, id);
    if (view === undefined) {
      throw new PlaitError('not-found', `Snapshot ${id.slice(0, 12)} is not known here.`, { hint: 'See `plait log`.' });
    }
    const parents = view.body.parents.filter((parent) => knowsSnapshot(engine, n, parent));
    const [entry] = entriesOf(engine, volset, n, [{ id, parents }]);
    const { owner, attrs, body } = view;
    return { ...entry, root: body.root, owner, attrs };
  });
}

class HistoryWalk {
  readonly #engine: Engine;
  readonly #n: number;
  readonly #goesOn: boolean;
  readonly #heap = new Heap<Place>(isEarlier);
  readonly #reached = new Set<SnapshotId>();

  /** @param goesOn to parents */
  constructor(engine: Engine, n: number, goesOn: boolean) {
    this.#engine = engine;
    this.#n = n;
    this.#goesOn = goesOn;
  }

  begin(ids: SnapshotId[]): void {
    const found = this.#engine.db.all<Place>(PLACES, JSON.stringify([...new Set(ids)]), this.#n);
    for (const place of found) this.#push(place);
  }

  next(): { id: SnapshotId; parents: SnapshotId[] } | undefined {
    const place = this.#heap.pop();
    if (place === undefined) return undefined;
    const { id, parents: joined } = place;
    const parents = joined === '' ? [] : (joined.split(' ') as SnapshotId[]);
    return { id, parents: parents.filter((parent) => this.#reach(parent)) };
  }

  /** True when it is known here. */
  #reach(id: SnapshotId): boolean {
    if (this.#reached.has(id)) return true;
    const place = this.#engine.db.get<Place>(PLACE, this.#n, id);
    if (place && this.#goesOn) this.#push(place);
    return place !== undefined;
  }

  #push(place: Place): void {
    this.#reached.add(place.id);
    this.#heap.push(place);
  }

  /** Reached and not shown, in the order in which they would be. */
  rest(): SnapshotId[] {
    return this.#heap.sorted().map(({ id }) => id);
  }
}

const PLACE = 'SELECT id, created, depth, parents FROM snapshots WHERE volset = ? AND id = ?';
const PLACES = `SELECT s.id, s.created, s.depth, s.parents FROM json_each(?) AS asked
  CROSS JOIN snapshots s ON s.volset = ? AND s.id = asked.value`;

/** Our own tips first, then those of remotes and members; of more than fit the newest. */
const startsOf = (engine: Engine, n: number, limit: number): SnapshotId[] =>
  engine.db
    .all<{ id: SnapshotId }>(STARTS, n, n, JSON.stringify([...remoteNames(engine).keys()]), limit)
    .map(({ id }) => id);

/** Members once, not at each ref: their rows are long. */
const STARTS = `SELECT s.id AS id, min(r.store <> ${OWN_REFS}) AS others FROM refs r
  CROSS JOIN snapshots s ON s.volset = r.volset AND s.id = r.snapshot
  WHERE r.volset = ? AND (r.store = ${OWN_REFS}
    OR r.store IN (SELECT t.n FROM members m CROSS JOIN stores t ON t.id = m.store WHERE m.volset = ?)
    OR r.store IN (SELECT t.n FROM json_each(?) AS remote CROSS JOIN stores t ON t.id = remote.value))
  AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.volset = r.volset AND d.object = 'branch:' || r.branch)
  GROUP BY s.id ORDER BY others, s.created DESC, s.id LIMIT ?`;

/** What a page goes on from. */
function headsOf(engine: Engine, n: number, walk: HistoryWalk, limit: number): SnapshotId[] {
  const heads = walk.rest();
  if (heads.length <= limit) return heads;
  const own = new Set(
    engine.db
      .all<{ snapshot: SnapshotId }>(
        'SELECT snapshot FROM refs WHERE volset = ? AND store = ? AND snapshot IS NOT NULL',
        n,
        OWN_REFS,
      )
      .map(({ snapshot }) => snapshot),
  );
  return [...heads.filter((id) => own.has(id)), ...heads.filter((id) => !own.has(id))].slice(0, limit);
}
