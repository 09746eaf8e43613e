/** Rows of history as they are shown. */
import type { HistoryRow } from '../../core/history-row.ts';
import type { BranchId, SnapshotId, StoreId, VolsetId } from '../../core/ids.ts';
import { type LoggedRecord, MAX_VALUE, type SnapshotBody } from '../../core/records.ts';
import { damaged } from './database.ts';
import type { Engine } from './engine.ts';
import { labelOf } from './members.ts';
import { OWN_REFS, refsAt } from './ref-rows.ts';
import { remoteNames } from './remote-names.ts';
import { findBranch } from './views.ts';

type Tip = HistoryRow['tips'][number];

/** Which branches end at some snapshots: ours by name, then those of remotes and members. */
class Tips {
  readonly #engine: Engine;
  readonly #volset: VolsetId;
  readonly #n: number;
  readonly #at = new Map<SnapshotId, Tip[]>();
  readonly #names = new Map<BranchId, string | undefined>();
  /** Remotes have theirs from us; members say their own. */
  readonly #labels: Map<StoreId, string | undefined>;

  constructor(engine: Engine, volset: VolsetId, n: number, ids: SnapshotId[]) {
    this.#engine = engine;
    this.#volset = volset;
    this.#n = n;
    this.#labels = remoteNames(engine);
    for (const { branch, snapshot, store, id } of refsAt(engine, n, ids)) {
      const name = this.#nameOf(branch);
      const label = store === OWN_REFS ? null : id === null ? undefined : this.#labelOf(id);
      if (name !== undefined && label !== undefined) this.#add(snapshot, { branch: name, store: label });
    }
    for (const tips of this.#at.values()) tips.sort(byStoreAndName);
  }

  of(id: SnapshotId): Tip[] {
    return this.#at.get(id) ?? [];
  }

  #add(id: SnapshotId, tip: Tip): void {
    const tips = this.#at.get(id);
    if (tips) tips.push(tip);
    else this.#at.set(id, [tip]);
  }

  /** undefined: deleted. */
  #nameOf(branch: BranchId): string | undefined {
    if (!this.#names.has(branch)) this.#names.set(branch, findBranch(this.#engine, this.#volset, branch)?.name);
    return this.#names.get(branch);
  }

  /** undefined: neither a remote nor a member. */
  #labelOf(store: StoreId): string | undefined {
    if (!this.#labels.has(store)) this.#labels.set(store, labelOf(this.#engine, this.#n, store));
    return this.#labels.get(store);
  }
}

const byStoreAndName = (a: Tip, b: Tip): number => {
  const [x, y] = [a, b].map(({ branch, store }) => `${store === null ? 0 : 1}${store ?? ''}\0${branch}`);
  return x < y ? -1 : x > y ? 1 : 0;
};

interface Row {
  id: SnapshotId;
  blob: number;
  body: string | null;
  name: string | null;
  description: string | null;
  damaged: number;
  dead: number;
}

const SHOWN = (field: string, value = 'h.value'): string => `(SELECT ${value} FROM heads h WHERE h.volset = s.volset
  AND h.object = 'snapshot:' || s.id AND h.field = '${field}' AND h.shown = 1) AS ${field}`;
/** One statement for a page: CROSS JOIN, so that only these are looked at. */
const ROWS = `SELECT s.id, s.blob, ${SHOWN('name')}, ${SHOWN('description', 'substr(h.value, 1, ?)')},
  (SELECT r.body FROM records r WHERE r.volset = s.volset AND r.id = s.id LIMIT 1) AS body,
  EXISTS (SELECT 1 FROM damaged x WHERE x.volset = s.volset AND x.id = s.id) AS damaged,
  EXISTS (SELECT 1 FROM dead d WHERE d.volset = s.volset AND d.object = 'snapshot:' || s.id) AS dead
  FROM json_each(?) AS asked CROSS JOIN snapshots s ON s.volset = ? AND s.id = asked.value ORDER BY asked.key`;

/** Of snapshots that are known here, in the order given; `chars` of each description. */
export function entriesOf(
  engine: Engine,
  volset: VolsetId,
  n: number,
  places: { id: SnapshotId; parents: SnapshotId[] }[],
  chars = MAX_VALUE,
): HistoryRow[] {
  const ids = places.map(({ id }) => id);
  const tips = new Tips(engine, volset, n, ids);
  const rows = engine.db.all<Row>(ROWS, chars, JSON.stringify(ids), n);
  return rows.map((row, i) => entryOf(row, places[i].parents, tips.of(row.id)));
}

function entryOf({ id, body, blob, ...row }: Row, parents: SnapshotId[], tips: Tip[]): HistoryRow {
  if (row.dead === 1) return { id, parents, ...NOTHING, forgotten: true, tips };
  const { created, creator, bytes, files } = parsed(id, body);
  const { name, description } = row;
  const here = { hasBlob: blob === 1, ...(row.damaged === 1 && { damaged: true as const }) };
  return { id, parents, created, creator, name, description, bytes, files, ...here, tips };
}

const NOTHING = { created: 0, creator: '', name: null, description: null, bytes: 0, files: 0, hasBlob: false };

function parsed(id: SnapshotId, text: string | null): SnapshotBody {
  const body: LoggedRecord | undefined = text === null ? undefined : JSON.parse(text);
  if (body?.type !== 'snapshot') throw damaged('meta.db', `the body of snapshot ${id} is missing`);
  return body;
}
