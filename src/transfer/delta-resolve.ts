/** From what an entry of deltas names (paths, extents, bytes of files) to what the engine decodes (ids, lengths). */
import type { DeltaInput, NodeSource, ObjectRef } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import type { DeltaEntry } from './delta-format.ts';

export type Resolved =
  | { delta: DeltaInput }
  /** The base is not here: these are to be sent plainly. */
  | { lacking: ObjectRef[] }
  /** Nodes of the new tree are not here, so nobody knows which chunks these are. */
  | { unknown: true };

/** One answer a frame, in order. `nodes`: BlobReceiver.nodes. @throws `protocol` for what breaks the limits */
export declare function resolveDeltas(
  entry: DeltaEntry,
  context: { manifest: Manifest; nodes: NodeSource },
): Generator<Resolved>;
