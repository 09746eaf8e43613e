/** What states in packs tell of a store that lost its metadata, newest first (core/state-object.ts). */
import type { BlobStore } from '../../blob/contract.ts';
import { PlaitError } from '../../core/errors.ts';
import { KIND } from '../../core/hash.ts';
import type { BranchId, InstallId, VolsetId } from '../../core/ids.ts';
import { decodeState, latestFirst, type State, type StoreState, type ToldRef } from '../../core/state-object.ts';

export interface Told {
  /** The newest of the store itself. */
  store?: StoreState;
  /** Who the store was last, if anything says so. */
  self?: { install: InstallId; epoch: number };
  /** Of each branch where it stood, latest first; older ones serve where the latest cannot be true. */
  refs: Map<VolsetId, Map<BranchId, ToldRef[]>>;
  /** How many states were found. */
  states: number;
}

export async function readTold(blob: Pick<BlobStore, 'scanObjects'>): Promise<Told> {
  const told: Told = { refs: new Map(), states: 0 };
  for await (const { volset, bytes } of blob.scanObjects(KIND.state)) {
    const state = stateIn(volset, bytes);
    if (state === undefined) continue;
    told.states++;
    const { install, epoch } = state;
    if (told.self === undefined || epoch > told.self.epoch) told.self = { install, epoch };
    if (state.state === 'volset') for (const ref of state.refs) note(told, volset, { ...ref, epoch });
    else if (told.store === undefined || isLater(state, told.store)) told.store = state;
  }
  for (const branches of told.refs.values()) for (const refs of branches.values()) refs.sort(latestFirst);
  return told;
}

const isLater = (a: StoreState, b: StoreState): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.sequence > b.sequence);

/** One that is damaged, or of a newer plait, tells nothing. */
function stateIn(volset: VolsetId, bytes: Uint8Array): State | undefined {
  try {
    return decodeState(volset, bytes);
  } catch (error) {
    if (error instanceof PlaitError) return undefined;
    throw error;
  }
}

function note({ refs }: Told, volset: VolsetId, ref: ToldRef): void {
  const branches = refs.get(volset) ?? new Map<BranchId, ToldRef[]>();
  refs.set(volset, branches);
  const known = branches.get(ref.branch);
  if (known) known.push(ref);
  else branches.set(ref.branch, [ref]);
}
