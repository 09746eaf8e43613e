/** The volume sets of a store, and which of them a command is about. */
import type { VolsetId } from '../core/ids.ts';
import type { VolsetView } from '../meta/contract.ts';
import { currentVolset, type Engine, type MetaEngine, type Outcome, outcome } from './engine.ts';

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

export const volsetRow = (view: VolsetView): VolsetRow => {
  const { id, name, description, owner, creator, attrs, branches, snapshots } = view;
  return { id, name, description, owner, creator, attrs, branches, snapshots };
};

export const listVolsets = (engine: Pick<Engine, 'meta'>): Outcome<{ volsets: VolsetRow[] }> =>
  outcome({ volsets: engine.meta.listVolsets().map(volsetRow) });

/** What a command is about that can look at several: the one chosen or stood in, else all (a hub's store). */
export const volsetsInReach = (engine: MetaEngine): VolsetView[] =>
  engine.volume || engine.volsetName !== undefined ? [currentVolset(engine)] : engine.meta.listVolsets();
