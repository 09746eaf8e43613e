/** Generation vectors: store id -> highest generation held without gaps, with its hash. A claim that nothing may break. */

import type { StoreId } from './ids.ts';
import { isHash, isStoreId } from './ids.ts';
import { exactObject, isCount, malformed } from './malformed.ts';
import type { Vector } from './records.ts';

/** Most stores in one volset that a peer may name. */
export const MAX_STORES = 10_000;

export interface MissingRange {
  store: StoreId;
  /** First and last generation that is missing, inclusive. */
  from: number;
  to: number;
}

const entries = (vector: Vector): [StoreId, Vector[StoreId]][] =>
  Object.entries(vector) as [StoreId, Vector[StoreId]][];
export const heldOf = (vector: Vector, store: StoreId): number =>
  Object.hasOwn(vector, store) ? vector[store].generation : 0;

/** What `ours` has and `theirs` lacks, by store id. */
export function missingRanges(ours: Vector, theirs: Vector): MissingRange[] {
  const ranges: MissingRange[] = [];
  for (const [store, { generation }] of entries(ours)) {
    const from = heldOf(theirs, store) + 1;
    if (from <= generation) ranges.push({ store, from, to: generation });
  }
  return ranges.sort((a, b) => (a.store < b.store ? -1 : 1));
}

/** Of `a` as against `b`, by numbers alone; see `forkedStores` for hashes. */
export function compareVectors(a: Vector, b: Vector): 'equal' | 'ahead' | 'behind' | 'concurrent' {
  const [more, less] = [missingRanges(a, b).length > 0, missingRanges(b, a).length > 0];
  if (more) return less ? 'concurrent' : 'ahead';
  return less ? 'behind' : 'equal';
}

/** The larger entry of each store. Both must be of one chain (`forkedStores` is empty). */
export function mergeVectors(a: Vector, b: Vector): Vector {
  const merged = { ...a };
  for (const [store, entry] of entries(b)) if (entry.generation > heldOf(a, store)) merged[store] = entry;
  return merged;
}

/** Stores that show two hashes for one generation: two histories under one id. */
export const forkedStores = (a: Vector, b: Vector): StoreId[] =>
  entries(a)
    .filter(([store, { generation, hash }]) => heldOf(b, store) === generation && b[store].hash !== hash)
    .map(([store]) => store);

/** Throws `protocol` unless `value` is a vector. */
export function checkVector(value: unknown): Vector {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) malformed('a vector is not an object');
  const keys = Object.keys(value);
  if (keys.length > MAX_STORES) malformed('a vector names too many stores');
  for (const key of keys) {
    if (!isStoreId(key)) malformed('a vector names no store');
    const entry = exactObject((value as Record<string, unknown>)[key], 'a vector entry', ['generation', 'hash']);
    if (!isCount(entry['generation']) || entry['generation'] === 0 || !isHash(entry['hash']))
      malformed('a vector entry is bad');
  }
  return value as Vector;
}
