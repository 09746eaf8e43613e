/** Content ids. The only place of the core that touches node:crypto: hashing is a pure function. */
import { hash } from 'node:crypto';
import type { ChunkId, ConflictId, GenerationHash, NodeId, SnapshotId, WhatHash, WriteId } from './ids.ts';

/**
 * What an object in a pack is. Chunks are hashed bare, so that anyone can check one with sha256sum; everything else is
 * hashed behind a prefix that names its kind. The chunk index is keyed by kind and id, so even a chunk whose bytes spell
 * out a prefix is never taken for an object of another kind.
 */
export const KIND = { chunk: 0, node: 1, snapshot: 2, generation: 3, state: 4 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

const PREFIX: Record<Exclude<Kind, 0>, Buffer> = {
  [KIND.node]: Buffer.from('plait node 1\0'),
  [KIND.snapshot]: Buffer.from('plait snapshot 1\0'),
  [KIND.generation]: Buffer.from('plait generation 1\0'),
  [KIND.state]: Buffer.from('plait state 1\0'),
};
const WRITE_PREFIX = Buffer.from('plait write 1\0');
const WHAT_PREFIX = Buffer.from('plait what 1\0');
const CONFLICT_PREFIX = Buffer.from('plait conflict 1\0');

/** 32 raw bytes. */
export function objectHash(kind: Kind, bytes: Uint8Array): Buffer {
  return hash('sha256', kind === KIND.chunk ? bytes : Buffer.concat([PREFIX[kind], bytes]), 'buffer');
}

export const hex = (raw: Uint8Array): string => Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('hex');
export const unhex = (id: string): Buffer => Buffer.from(id, 'hex');

/** Of an object, for maps and sets: its kind's digit and its id. */
export const objectKey = (kind: Kind, id: Uint8Array): string => `${kind}${hex(id)}`;

export const chunkId = (bytes: Uint8Array): ChunkId => hex(objectHash(KIND.chunk, bytes)) as ChunkId;
export const nodeId = (bytes: Uint8Array): NodeId => hex(objectHash(KIND.node, bytes)) as NodeId;
export const snapshotId = (bytes: Uint8Array): SnapshotId => hex(objectHash(KIND.snapshot, bytes)) as SnapshotId;
export const generationHash = (bytes: Uint8Array): GenerationHash =>
  hex(objectHash(KIND.generation, bytes)) as GenerationHash;
export const writeId = (bytes: Uint8Array): WriteId =>
  hash('sha256', Buffer.concat([WRITE_PREFIX, bytes]), 'hex') as WriteId;
export const whatHash = (bytes: Uint8Array): WhatHash =>
  hash('sha256', Buffer.concat([WHAT_PREFIX, bytes]), 'hex') as WhatHash;
export const conflictHash = (bytes: Uint8Array): ConflictId =>
  hash('sha256', Buffer.concat([CONFLICT_PREFIX, bytes]), 'hex') as ConflictId;
