/** What the memory engine holds. */

import { collected } from '../core/collected.ts';
import { type Kind, objectHash, objectKey } from '../core/hash.ts';
import type { BasePiece, ObjectRef } from './contract.ts';
import { encodeFrame, tooLong, withinCounts } from './delta-encode.ts';
import { ID_BYTES } from './format.ts';

export interface Held {
  kind: Kind;
  bytes: Uint8Array;
}
/** By objectKey. */
export type Objects = Map<string, Held>;

export function putHeld(objects: Objects, kind: Kind, bytes: Uint8Array): Buffer {
  const id = objectHash(kind, bytes);
  objects.set(objectKey(kind, id), { kind, bytes: Uint8Array.from(bytes) });
  return id;
}

export function hasMany(sources: Objects[], kind: Kind, ids: Uint8Array): Uint8Array {
  const answer = new Uint8Array(ids.length / ID_BYTES);
  for (let n = 0; n < answer.length; n++) {
    const key = objectKey(kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES));
    if (sources.some((objects) => objects.has(key))) answer[n] = 1;
  }
  return answer;
}

/** gc may have taken what a session took as present. */
export function checkRelied(sources: Objects[], relied: Iterable<string>): void {
  const missing = [...relied].filter((key) => !sources.some((objects) => objects.has(key)));
  if (missing.length > 0) throw collected({ missing: missing.map((key) => `${key[0]}:${key.slice(1)}`) });
}

/** 0 = in none of them. */
export function lengthsOf(sources: Objects[], kind: Kind, ids: Uint8Array): Uint32Array {
  const answer = new Uint32Array(ids.length / ID_BYTES);
  for (let n = 0; n < answer.length; n++) {
    const key = objectKey(kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES));
    answer[n] = sources.find((objects) => objects.has(key))?.get(key)?.bytes.length ?? 0;
  }
  return answer;
}

/** BlobReader.encodeDelta without workers. */
export function deltaOf(
  targets: ObjectRef[],
  base: BasePiece[],
  read: (kind: Kind, id: Uint8Array) => Uint8Array,
): Uint8Array | undefined {
  if (!withinCounts(targets, base)) return undefined;
  const raw = Buffer.concat(targets.map(({ kind, id }) => read(kind, id)));
  const pieces = base.map(({ kind, id, start, length }) => read(kind, id).subarray(start, start + length));
  return tooLong(raw.length) ? undefined : encodeFrame(targets[0].kind as 0 | 1, raw, Buffer.concat(pieces));
}
