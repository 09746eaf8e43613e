/**
 * Generation vectors: chain -> highest generation held without gaps, with its hash. A claim that nothing may break.
 * What stands here compares names and numbers: of two stores, or two moments, that know the same forks. Chains
 * (core/chain.ts) compares what may have forked.
 */

import type { ChainId, GenerationHash, StoreId } from './ids.ts';
import { isChainId, isHash, storeOf } from './ids.ts';
import { exactObject, isCount, malformed } from './malformed.ts';
import type { Vector } from './records.ts';

/** Most chains in one volset that a peer may name. */
export const MAX_STORES = 10_000;

export interface MissingRange {
  store: StoreId;
  /** First and last generation that is missing, inclusive. */
  from: number;
  to: number;
  /** Of `to`: says which line of generations this is a part of. */
  hash: GenerationHash;
}

const entries = (vector: Vector): [ChainId, Vector[ChainId]][] =>
  Object.entries(vector) as [ChainId, Vector[ChainId]][];
export const heldOf = (vector: Vector, chain: ChainId): number =>
  Object.hasOwn(vector, chain) ? vector[chain].generation : 0;

/** What `ours` has and `theirs` lacks, by chain. */
export function missingRanges(ours: Vector, theirs: Vector): MissingRange[] {
  const ranges: MissingRange[] = [];
  for (const [chain, { generation, hash }] of entries(ours).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const from = heldOf(theirs, chain) + 1;
    if (from <= generation) ranges.push({ store: storeOf(chain), from, to: generation, hash });
  }
  return ranges;
}

export function compareVectors(a: Vector, b: Vector): 'equal' | 'ahead' | 'behind' | 'concurrent' {
  const [more, less] = [missingRanges(a, b).length > 0, missingRanges(b, a).length > 0];
  if (more) return less ? 'concurrent' : 'ahead';
  return less ? 'behind' : 'equal';
}

/** The larger entry of each chain. */
export function mergeVectors(a: Vector, b: Vector): Vector {
  const merged = { ...a };
  for (const [chain, entry] of entries(b)) if (entry.generation > heldOf(a, chain)) merged[chain] = entry;
  return merged;
}

/** Throws `protocol` unless `value` is a vector. */
export function checkVector(value: unknown): Vector {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) malformed('a vector is not an object');
  const keys = Object.keys(value);
  if (keys.length > MAX_STORES) malformed('a vector names too many chains');
  for (const key of keys) {
    if (!isChainId(key)) malformed('a vector names no chain');
    const entry = exactObject((value as Record<string, unknown>)[key], 'a vector entry', ['generation', 'hash']);
    if (!isCount(entry['generation']) || entry['generation'] === 0 || !isHash(entry['hash']))
      malformed('a vector entry is bad');
  }
  return value as Vector;
}
