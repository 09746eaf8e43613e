/** What does not follow from the log, on its way into packs (core/state-object.ts), and what metadata is made from anew. */
import type { VolsetId } from '../../core/ids.ts';

/** One state, to be appended to the log of `volset` (STORE_STATE: the store's own). */
export interface StateToPack {
  volset: VolsetId;
  bytes: Uint8Array;
  /** Says up to where it tells; handed back once it is durable. */
  mark: StateMark;
}

export interface StateMark {
  volset: VolsetId;
  epoch: number;
  sequence: number;
  /** Refs told since the last that told all, with those; of the store: 0. */
  told: number;
  /** Of what the store's state says; '' for a volset. */
  digest: string;
}

export interface MetaState {
  /** States that say something new since the last that was packed. Empty, at the cost of a look, while nothing moved. */
  unpackedStates(): StateToPack[];
  /** False for one that tells nothing: it hands its records over, or has an older format, which nothing was told of. */
  tellsStates(): boolean;
  /** Something of it is open: where its branches stand is told once that is cut. */
  waitsForCut(volset: VolsetId): boolean;
  /** The next ones tell everything again: those in packs were lost. */
  repackStates(): void;
}
