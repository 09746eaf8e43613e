/** Rows of history as they are shown. */
import type { BranchId, SnapshotId, StoreId, VolsetId } from '../../core/ids.ts';
import type { SnapshotBody } from '../../core/records.ts';
import { snapshotKey } from '../../core/register.ts';
import type { HistoryEntry } from '../contract.ts';
import { damaged } from './database.ts';
import type { Engine } from './engine.ts';
import { findRecord, headAt } from './heads.ts';
import { labelOf } from './members.ts';
import { OWN_REFS, refsAt } from './ref-rows.ts';
import { hasBlob, isDamaged, isForgotten } from './snapshots.ts';
import { findBranch } from './views.ts';

type Tip = HistoryEntry['tips'][number];

/** Which branches end at some snapshots: ours by name, then those of members. */
export class Tips {
  readonly #engine: Engine;
  readonly #volset: VolsetId;
  readonly #n: number;
  readonly #at = new Map<SnapshotId, Tip[]>();
  readonly #names = new Map<BranchId, string | undefined>();
  readonly #labels = new Map<StoreId, string | undefined>();

  constructor(engine: Engine, volset: VolsetId, n: number, ids: SnapshotId[]) {
    this.#engine = engine;
    this.#volset = volset;
    this.#n = n;
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

  /** undefined: no member. */
  #labelOf(store: StoreId): string | undefined {
    if (!this.#labels.has(store)) this.#labels.set(store, labelOf(this.#engine, this.#n, store));
    return this.#labels.get(store);
  }
}

const byStoreAndName = (a: Tip, b: Tip): number => {
  const [x, y] = [a, b].map(({ branch, store }) => `${store === null ? 0 : 1}${store ?? ''}\0${branch}`);
  return x < y ? -1 : x > y ? 1 : 0;
};

export function entryOf(engine: Engine, n: number, id: SnapshotId, parents: SnapshotId[], tips: Tip[]): HistoryEntry {
  if (isForgotten(engine, n, id)) return { id, parents, ...NOTHING, forgotten: true, tips };
  const { created, creator, bytes, files } = bodyOf(engine, n, id);
  const object = snapshotKey(id);
  return {
    id,
    parents,
    created,
    creator,
    name: headAt(engine, n, { object, field: 'name' })?.value ?? null,
    description: headAt(engine, n, { object, field: 'description' })?.value ?? null,
    bytes,
    files,
    hasBlob: hasBlob(engine, n, id),
    ...(isDamaged(engine, n, id) && { damaged: true }),
    tips,
  };
}

const NOTHING = { created: 0, creator: '', name: null, description: null, bytes: 0, files: 0, hasBlob: false };

export function bodyOf(engine: Engine, n: number, id: SnapshotId): SnapshotBody {
  const body = findRecord(engine, n, id);
  if (body?.type !== 'snapshot') throw damaged('meta.db', `the body of snapshot ${id} is missing`);
  return body;
}
