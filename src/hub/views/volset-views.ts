/**
 * What people see of all volsets, in memory, for those who ask again and again. Nothing is done here but when somebody
 * asks, and what nobody has asked for in a while is forgotten. An answer is never older than the store was when it was
 * asked: each begins with a look at all revisions, and what has moved is brought up to date first. While records of a
 * volset are not cut it has no revision that would tell of them, so it is read each time.
 */
import type { PlaitError } from '../../core/errors.ts';
import type { StoreId, VolsetId } from '../../core/ids.ts';
import { displayNames } from '../../core/names.ts';
import type { ChangesPage } from '../../meta/contract.ts';
import type { HubMeta } from '../contract.ts';
import { Fresh } from '../feed/fresh.ts';
import { Idle } from './idle.ts';
import { type VolsetName, VolsetView } from './volset-view.ts';

export interface VolsetViewsOptions {
  /** Of volsets and branches together; those that were not asked for longest go first. About 600 bytes each. */
  maxKeys?: number;
  /** Milliseconds after the last question until all is forgotten. */
  idleMs?: number;
}

/** As of one look at the store, or newer. */
export interface SeenVolsets {
  /** Shown names of all that live, in the order in which the store learned of them. */
  names: ReadonlyMap<VolsetId, string>;
  /** Of those that were asked for: the JSON of a list (core/peer, PeerVolset). */
  branches(volset: VolsetId): string;
}

type Row = Awaited<ReturnType<HubMeta['heads']>>[number];
type Wants = (volset: VolsetId) => boolean;
type ViewMeta = Pick<HubMeta, 'self' | 'heads' | 'viewOf' | 'changesAfter' | 'listVolsets'>;

/** With more revisions to catch up with, a whole view is the shorter way. */
const FEW_CHANGES = 32;
/** Reads at a time: other requests wait for the same thread. */
const TOGETHER = 8;

export class VolsetViews implements Disposable {
  readonly #meta: ViewMeta;
  readonly #maxKeys: number;
  /** Those asked for last are last. */
  #views = new Map<VolsetId, VolsetView>();
  readonly #refreshes = new Fresh(() => this.#refresh());
  #wants: Wants[] = [];
  #store: StoreId | undefined;
  #names: { of: (VolsetName | undefined)[]; shown: Map<VolsetId, string> } = { of: [], shown: new Map() };
  readonly #idle: Idle;

  constructor(meta: ViewMeta, { maxKeys = 300_000, idleMs = 300_000 }: VolsetViewsOptions = {}) {
    this.#meta = meta;
    this.#maxKeys = maxKeys;
    this.#idle = new Idle(idleMs, () => this.#forget());
  }

  /** Names of all, and branches of those that are wanted. */
  async read(wants: Wants): Promise<SeenVolsets> {
    this.#wants.push(wants);
    const seen = await this.#refreshes.get();
    this.#idle.asked();
    return { names: this.#shownNames(seen), branches: (volset) => seen.get(volset)?.branches ?? '[]' };
  }

  /** Volsets and branches that are kept. */
  get size(): number {
    return [...this.#views.values()].reduce((sum, { size }) => sum + size, 0);
  }

  [Symbol.dispose](): void {
    this.#idle[Symbol.dispose]();
  }

  #forget(): void {
    this.#views = new Map();
    this.#names = { of: [], shown: new Map() };
  }

  async #refresh(): Promise<Map<VolsetId, VolsetView>> {
    const asked = this.#wants;
    this.#wants = [];
    const wants: Wants = (volset) => asked.some((one) => one(volset));
    const { store } = this.#meta.self;
    // Revisions mean something under one store id only.
    if (store !== this.#store) this.#views = new Map();
    this.#store = store;
    const rows = await this.#meta.heads();
    const stale = rows.filter((row) => !this.#isFresh(row, wants(row.volset)));
    const read = await this.#readAll(stale, wants);
    const seen = new Map<VolsetId, VolsetView>();
    for (const { volset } of rows) seen.set(volset, (read.get(volset) ?? this.#views.get(volset)) as VolsetView);
    this.#keep(seen, wants);
    return seen;
  }

  #isFresh({ volset, head, open }: Row, whole: boolean): boolean {
    const view = this.#views.get(volset);
    return !open && view?.revision === head.revision && (view.whole || !whole);
  }

  async #readAll(rows: Row[], wants: Wants): Promise<Map<VolsetId, VolsetView>> {
    const read = new Map<VolsetId, VolsetView>();
    const unnamed = rows.filter(({ volset, open }) => !wants(volset) && (open || !this.#views.has(volset)));
    if (unnamed.length > 0) {
      const named = new Map((await this.#meta.listVolsets()).map((view) => [view.id, view]));
      for (const { volset, head } of unnamed) {
        const view = this.#newView();
        view.takeName(head.revision, named.get(volset));
        read.set(volset, view);
      }
    }
    const others = rows.filter(({ volset }) => !read.has(volset));
    for (let i = 0; i < others.length; i += TOGETHER) {
      const some = others.slice(i, i + TOGETHER);
      const views = await Promise.all(some.map((row) => this.#update(row, wants(row.volset))));
      for (const [j, { volset }] of some.entries()) read.set(volset, views[j]);
    }
    return read;
  }

  async #update(row: Row, whole: boolean): Promise<VolsetView> {
    const view = this.#views.get(row.volset);
    if (view && !row.open && (view.whole || !whole) && (await this.#follow(row, view))) return view;
    const answer = await this.#meta.viewOf(row.volset);
    // What is open has no revision that tells it from what is not; a store that went back has other revisions.
    const goesOn = view !== undefined && !row.open && answer.revision >= (view.revision ?? 0);
    const taken = goesOn ? view : this.#newView();
    taken.take(answer);
    return taken;
  }

  async #follow({ volset, head }: Row, view: VolsetView): Promise<boolean> {
    const { revision } = view;
    if (revision === undefined || head.revision < revision || head.revision > revision + FEW_CHANGES) return false;
    return view.follow(await this.#changes(volset, revision));
  }

  async #changes(volset: VolsetId, after: number): Promise<ChangesPage> {
    try {
      return await this.#meta.changesAfter(volset, after);
    } catch (error) {
      const { code } = error as PlaitError;
      if (code !== 'compacted' && code !== 'ahead') throw error;
      return { changes: [], revision: after };
    }
  }

  #newView(): VolsetView {
    return new VolsetView(this.#store as StoreId);
  }

  #keep(seen: ReadonlyMap<VolsetId, VolsetView>, wants: Wants): void {
    for (const [volset, view] of seen) {
      if (wants(volset)) this.#views.delete(volset);
      this.#views.set(volset, view);
    }
    let size = this.size;
    for (const [volset, view] of this.#views) {
      if (size <= this.#maxKeys) return;
      size -= view.size;
      this.#views.delete(volset);
    }
  }

  /** Unique: a volset that was renamed to what another is called already is told apart. */
  #shownNames(seen: ReadonlyMap<VolsetId, VolsetView>): Map<VolsetId, string> {
    const of = [...seen.values()].map(({ named }) => named);
    const { of: before, shown } = this.#names;
    if (of.length === before.length && of.every((name, i) => name === before[i])) return shown;
    const live = [...seen].flatMap(([id, { named }]) => (named ? [{ id, named }] : []));
    const names = displayNames(live.map(({ id, named: { name, named } }) => ({ id, name: name ?? id, stamp: named })));
    this.#names = { of, shown: new Map(live.map(({ id }) => [id, names.get(id) as string])) };
    return this.#names.shown;
  }
}
