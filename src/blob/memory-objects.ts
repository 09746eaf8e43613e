/** What the memory engine holds. */
import { hex, type Kind, objectHash } from '../core/hash.ts';
import { ID_BYTES } from './format.ts';

export interface Held {
  kind: Kind;
  bytes: Uint8Array;
}
/** By kind digit and hex id. */
export type Objects = Map<string, Held>;

export const keyOf = (kind: Kind, id: Uint8Array): string => kind + hex(id);

export function putHeld(objects: Objects, kind: Kind, bytes: Uint8Array): Buffer {
  const id = objectHash(kind, bytes);
  objects.set(keyOf(kind, id), { kind, bytes: Uint8Array.from(bytes) });
  return id;
}

export function hasMany(sources: Objects[], kind: Kind, ids: Uint8Array): Uint8Array {
  const answer = new Uint8Array(ids.length / ID_BYTES);
  for (let n = 0; n < answer.length; n++) {
    const key = keyOf(kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES));
    if (sources.some((objects) => objects.has(key))) answer[n] = 1;
  }
  return answer;
}

/** 0 = in none of them. */
export function lengthsOf(sources: Objects[], kind: Kind, ids: Uint8Array): Uint32Array {
  const answer = new Uint32Array(ids.length / ID_BYTES);
  for (let n = 0; n < answer.length; n++) {
    const key = keyOf(kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES));
    answer[n] = sources.find((objects) => objects.has(key))?.get(key)?.bytes.length ?? 0;
  }
  return answer;
}
