/** `plait volset list`: the volume sets of a store. */
import type { VolsetId } from '../core/ids.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';

export interface VolsetRow {
  id: VolsetId;
  name: string | null;
  description: string | null;
  owner: string | null;
  creator: string | null;
  attrs: Record<string, string>;
  branches: number;
  snapshots: number;
}

export function listVolsets(engine: Pick<Engine, 'meta'>): Outcome<{ volsets: VolsetRow[] }> {
  const volsets = engine.meta
    .listVolsets()
    .map(({ id, name, description, owner, creator, attrs, branches, snapshots }) => ({
      id,
      name,
      description,
      owner,
      creator,
      attrs,
      branches,
      snapshots,
    }));
  return outcome({ volsets });
}
