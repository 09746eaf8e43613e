/** A hub's store and its views, and what the store shows without them. */
import type { VolsetId } from '../../src/core/ids.ts';
import { displayNames } from '../../src/core/names.ts';
import type { HubMeta } from '../../src/hub/contract.ts';
import { VolsetViews, type VolsetViewsOptions } from '../../src/hub/views/volset-views.ts';
import type { MetaStore } from '../../src/meta/index.ts';
import { branchId, memoryStore, seed, set, V } from '../meta/helpers.ts';

export const OTHER = 'd1'.repeat(16) as VolsetId;
export const ALL = () => true;

/** The store as a hub sees it, which counts what is asked of it. */
export function counted(store: MetaStore) {
  const calls: Record<string, number> = {};
  const meta = new Proxy(store, {
    get(target, name: keyof MetaStore) {
      const member = target[name];
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return async (...args: unknown[]) => {
        calls[name] = (calls[name] ?? 0) + 1;
        return (member as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  }) as unknown as HubMeta;
  /** What was asked since the last time. */
  const since = (): Record<string, number> => {
    const copy = { ...calls };
    for (const name of Object.keys(calls)) delete calls[name];
    return copy;
  };
  return { meta, since };
}

export function viewsOf(store: MetaStore, options?: VolsetViewsOptions) {
  const { meta, since } = counted(store);
  const views = new VolsetViews(meta, options);
  const read = async (wants: (id: VolsetId) => boolean = ALL): Promise<unknown> => {
    const seen = await views.read(wants);
    const shown = [...seen.names].map(([id, name]) => [id, name, wants(id) ? JSON.parse(seen.branches(id)) : null]);
    return shown;
  };
  return { views, read, since };
}

/** The same without any views. */
export function shownBy(store: MetaStore, wants: (id: VolsetId) => boolean = ALL): unknown {
  const live = store.listVolsets();
  const names = displayNames(live.map(({ id, name, named }) => ({ id, name: name ?? id, stamp: named })));
  return live.map(({ id }) => [id, names.get(id), wants(id) ? store.listBranches(id) : null]);
}

export const rename = (object: string, name: string) => set(`${object}:name`, name);
export const create = (n: number, name: string) =>
  ({ edit: 'create-branch', branch: branchId(n), name, creator: 'a' }) as const;

/** A hub's store with two volsets that have one name, everything cut. */
export function hubStore(): MetaStore {
  const store = memoryStore();
  seed(store);
  store.commit(OTHER, [
    { edit: 'create-volset', name: 'data', creator: 'b' },
    { edit: 'create-branch', branch: branchId(7), name: 'main', creator: 'b' },
  ]);
  for (const volset of [V, OTHER]) store.cut(volset);
  return store;
}
