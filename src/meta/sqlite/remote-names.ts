/** What people call the stores that remotes lead to. */
import type { StoreId } from '../../core/ids.ts';
import { listRemotes } from './config.ts';
import type { Engine } from './engine.ts';

/** By the store that answered there last; of two remotes to one store the first name. */
export function remoteNames(engine: Engine): Map<StoreId, string> {
  const names = new Map<StoreId, string>();
  for (const { name, identity } of listRemotes(engine)) if (identity && !names.has(identity)) names.set(identity, name);
  return names;
}
