/**
 * Bytes of an entry `deltas/NNNNNN`: any number of zstd frames for one snapshot, all of one kind, and a directory that
 * says what each decodes to and which bytes of the base are its dictionary. Names roots, not snapshots: whoever holds
 * the nodes can decode it. See docs/protocol.md, "Deltas of data".
 */
import type { NodeId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';

/** A run of extents of the new file (first index, how many), or of bytes of the old one (first byte, how many). */
export type Run = [start: number, count: number];

/** Chunks of one file. */
export interface DeltaFile {
  path: PathKey;
  /** Path of the old file, in the base's tree; usually the same. */
  base: PathKey;
  /** Extents of the new file, ascending; holes among them are skipped. */
  targets: Run[];
  /** Bytes of the old file, in the order of the dictionary; holes among them are left out. */
  pieces: Run[];
}

export interface NodeDelta {
  targets: { id: NodeId; length: number }[];
  /** Whole nodes. */
  base: NodeId[];
  frame: Uint8Array;
}

export interface ChunkDelta {
  files: DeltaFile[];
  frame: Uint8Array;
}

export type DeltaEntry = { root: NodeId; baseRoot: NodeId } & (
  | { kind: 1; deltas: NodeDelta[] }
  | { kind: 0; deltas: ChunkDelta[] }
);

export declare function encodeDeltas(entry: DeltaEntry): Uint8Array;
/** Bounded whatever the bytes are. @throws `protocol`, `format` (unknown version) */
export declare function decodeDeltas(bytes: Uint8Array): DeltaEntry;
