/** What a damaged meta.db still tells. Each part is read by itself: one that throws is left to the states in packs. */
import type { Conflict } from '../../core/conflict.ts';
import { PlaitError } from '../../core/errors.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { Generation, Ref } from '../../core/records.ts';
import type { MetaStore, RemoteConfig, Self, Stamp, TokenRow } from '../../meta/contract.ts';

export interface SalvagedVolset {
  refs?: Ref[];
  conflicts?: Conflict[];
  damaged?: SnapshotId[];
}

export interface Salvaged {
  self?: Self;
  remotes?: RemoteConfig[];
  settings?: Record<string, string>;
  tokens?: TokenRow[];
  stamps?: Stamp[];
  volsets: Map<VolsetId, SalvagedVolset>;
}

export function salvage(meta: MetaStore): Salvaged {
  const found: Salvaged = {
    self: attempt(() => meta.self),
    remotes: attempt(() => meta.listRemotes()),
    settings: attempt(() => meta.settings()),
    tokens: attempt(() => meta.listTokens()),
    stamps: attempt(() => meta.stamps()),
    volsets: new Map(),
  };
  for (const { id } of attempt(() => meta.listVolsets()) ?? []) {
    // What was not closed yet is nowhere else.
    attempt(() => meta.cut(id));
    found.volsets.set(id, {
      refs: attempt(() => meta.refs(id, 'self')),
      conflicts: attempt(() => meta.listConflicts(id, { all: true })),
      damaged: attempt(() => meta.damagedBlobs(id)),
    });
  }
  return found;
}

/** Its whole log, as far as it can be read. */
export function* salvageLog(meta: MetaStore): Generator<{ volset: VolsetId; generation: Generation }> {
  for (const { id: volset } of attempt(() => meta.listVolsets()) ?? []) {
    let cursor = attempt(() => meta.planDeltas(volset, {}, 0).cursor);
    while (cursor !== undefined) {
      const at: string = cursor;
      const page = attempt(() => meta.readDeltas(volset, at));
      for (const generation of page?.generations ?? []) yield { volset, generation };
      cursor = page?.cursor;
    }
  }
}

/** Undefined where it cannot be read. What is wrong was told when the damage was found. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    // JSON that is none is a SyntaxError, a value of another type a TypeError: damage as well.
    if (error instanceof PlaitError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
