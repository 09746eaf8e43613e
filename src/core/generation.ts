/**
 * Generations: closed batches of one store's records, numbered from 1 and chained by hash. `verifyGenerations` decides
 * whether a round from a peer may be applied; it believes nothing.
 */
import { canonicalBytes, parseCanonical } from './canonical.ts';
import { PlaitError } from './errors.ts';
import { generationHash } from './hash.ts';
import type { GenerationHash, StoreId, VolsetId } from './ids.ts';
import { isHash, isStoreId } from './ids.ts';
import { exactObject, isCount, malformed } from './malformed.ts';
import type { Generation, GenerationHeader, LoggedRecord, Vector } from './records.ts';
import { checkLogged, encodeRecord, recordHash } from './records.ts';
import { heldOf } from './vector.ts';

export const NO_GENERATION = '0'.repeat(64) as GenerationHash;
export const MAX_GENERATION_RECORDS = 100_000;
/** Sum of the encoded records; a generation always fits into one block of a pack. */
export const MAX_GENERATION_BYTES = 2 * 1024 * 1024;
/** Encoded generation: records, their commas, and the header. */
const MAX_ENCODED_BYTES = MAX_GENERATION_BYTES + MAX_GENERATION_RECORDS + 1024;
const HEADER = ['store', 'generation', 'count', 'previous', 'hash'] as const;

export function generationHashOf(
  volset: VolsetId,
  header: Omit<GenerationHeader, 'hash'>,
  recordHashes: readonly string[],
): GenerationHash {
  const { count, generation, previous, store } = header;
  return generationHash(canonicalBytes({ count, generation, previous, records: recordHashes, store, volset }));
}

/** Closes a batch. `previous`: hash of the generation before, NO_GENERATION for the first. */
export function makeGeneration(
  volset: VolsetId,
  store: StoreId,
  generation: number,
  previous: GenerationHash,
  records: LoggedRecord[],
): Generation {
  const header = { store, generation, count: records.length, previous };
  return { ...header, hash: generationHashOf(volset, header, records.map(recordHash)), records };
}

/** As packs keep it (a pack belongs to one volset, which is therefore not repeated). */
export const encodeGeneration = (generation: Generation): Buffer => canonicalBytes(generation);

/** Reads a generation from a pack; its shape, counts and hash are checked, its place in the chain is not. */
export function decodeGeneration(volset: VolsetId, bytes: Uint8Array): Generation {
  if (bytes.length > MAX_ENCODED_BYTES) malformed('a generation is too long');
  return checkGeneration(volset, parseCanonical(bytes));
}

/** Header alone: types and ranges, before any record is read. */
export function checkGenerationHeader(value: unknown): GenerationHeader {
  const header = exactObject(value, 'a generation', HEADER);
  if (!isStoreId(header['store'])) malformed('a generation names no store');
  if (!isCount(header['generation']) || header['generation'] === 0) malformed('a generation has no number');
  if (!isCount(header['count']) || header['count'] === 0) malformed('a generation is empty');
  if (header['count'] > MAX_GENERATION_RECORDS) malformed('a generation has too many records');
  if (!isHash(header['previous']) || !isHash(header['hash'])) malformed('a generation has no hash');
  return header as unknown as GenerationHeader;
}

/** Throws `protocol` for a bad shape, count or size, `integrity` for a wrong hash. */
export function checkGeneration(volset: VolsetId, value: unknown): Generation {
  const object = exactObject(value, 'a generation', [...HEADER, 'records']);
  const { records, ...rest } = object;
  const header = checkGenerationHeader(rest);
  if (!Array.isArray(records) || records.length !== header.count)
    malformed('a generation has not as many records as it says');
  let bytes = 0;
  const hashes = records.map((record) => {
    const checked = checkLogged(record, volset);
    bytes += encodeRecord(checked).length;
    if (bytes > MAX_GENERATION_BYTES) malformed('a generation is too long');
    return recordHash(checked);
  });
  if (generationHashOf(volset, header, hashes) !== header.hash) {
    throw new PlaitError(
      'integrity',
      `Generation ${header.generation} of store ${header.store} does not match its hash.`,
      {
        hint: 'It was damaged on the way or where it came from; nothing was changed. Try again, then verify the other store.',
      },
    );
  }
  return value as Generation;
}

export interface VerifiedRound {
  /** To be applied, in this order. */
  fresh: Generation[];
  /** At or below what was known; their hashes are still to be compared with what is stored. */
  replayed: Generation[];
  /** `known` with `fresh` added. */
  vector: Vector;
}

/**
 * Per store exactly known+1, known+2, …, each well-formed and chained to the one before. With `claimed` (the trailer's
 * vector) the result must cover all that it claims. Throws `protocol` or `integrity`.
 */
export function verifyGenerations(
  volset: VolsetId,
  known: Vector,
  generations: readonly unknown[],
  claimed?: Vector,
): VerifiedRound {
  const round: VerifiedRound = { fresh: [], replayed: [], vector: { ...known } };
  for (const value of generations) {
    const generation = checkGeneration(volset, value);
    round[extendVector(round.vector, generation)].push(generation);
  }
  if (claimed !== undefined) checkClaim(round.vector, claimed);
  return round;
}

/** Adds the next generation of a store's chain to `vector`, in place; one that it covers already is `replayed`. */
export function extendVector(
  vector: Vector,
  { store, generation, previous, hash }: GenerationHeader,
): 'fresh' | 'replayed' {
  const held = heldOf(vector, store);
  if (generation === held && vector[store].hash !== hash) throw forked(store, generation);
  if (generation <= held) return 'replayed';
  if (generation !== held + 1) {
    malformed(`generations of store ${store} jump from ${held} to ${generation}`, {
      reason: 'gap',
      store,
      held,
      generation,
    });
  }
  if (previous !== (held === 0 ? NO_GENERATION : vector[store].hash)) throw forked(store, held);
  vector[store] = { generation, hash };
  return 'fresh';
}

function checkClaim(vector: Vector, claimed: Vector): void {
  for (const [store, { generation, hash }] of Object.entries(claimed) as [StoreId, Vector[StoreId]][]) {
    const held = heldOf(vector, store);
    if (held < generation)
      malformed(`generations of store ${store} end at ${held}, ${generation} were announced`, { reason: 'gap', store });
    if (held === generation && vector[store].hash !== hash) throw forked(store, generation);
  }
}

export function forked(store: StoreId, generation: number): PlaitError {
  return new PlaitError('integrity', `Store ${store} has two different histories at generation ${generation}.`, {
    hint: 'A store was copied, or restored from a backup and used on. Nothing was changed.',
    data: { reason: 'fork', store, generation },
  });
}
