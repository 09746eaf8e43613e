/**
 * Generations: closed batches of one store's records, numbered from 1 and chained by hash. `verifyGenerations` decides
 * whether a round from a peer may be applied; it believes nothing.
 */
import { canonicalBytes, parseCanonical } from './canonical.ts';
import { gap } from './chain.ts';
import { PlaitError } from './errors.ts';
import { generationHash } from './hash.ts';
import type { ChainId, GenerationHash, StoreId, VolsetId } from './ids.ts';
import { isHash, isStoreId, storeOf } from './ids.ts';
import { exactObject, isCount, malformed } from './malformed.ts';
import type { Generation, GenerationHeader, LoggedRecord, Vector } from './records.ts';
import { checkLogged, encodeRecord, recordHash } from './records.ts';

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
  if ((header['generation'] === 1) !== (header['previous'] === NO_GENERATION))
    malformed('a generation does not say which one it follows');
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

/** What a store holds, as far as a round must agree with it. */
export interface KnownGenerations {
  holds(store: StoreId, generation: number, hash: GenerationHash): boolean;
  /** Largest number that is held of a store; 0: none. */
  largest(store: StoreId): number;
}

export interface StagedRound {
  /** To be applied, in this order. */
  fresh: Generation[];
  /** Held already, hash for hash. */
  replayed: Generation[];
  staged: StagedGenerations;
}

/**
 * Each well-formed, and the first of its store or right behind one that is held or came before. Two behind one are a
 * fork and no fault. With `claimed` (the trailer's vector) nothing that it names may be lacking then. Throws `protocol`
 * or `integrity`.
 */
export function verifyGenerations(
  volset: VolsetId,
  known: KnownGenerations,
  generations: readonly unknown[],
  claimed: Vector = {},
): StagedRound {
  const round = stageGenerations(volset, known, generations);
  const parted = partedStores(round.staged, claimed);
  if (parted.length > 0) throw forked(parted);
  return round;
}

/** The same, but for the trailer's vector. */
export function stageGenerations(
  volset: VolsetId,
  known: KnownGenerations,
  generations: readonly unknown[],
): StagedRound {
  const round: StagedRound = { fresh: [], replayed: [], staged: new StagedGenerations(known) };
  for (const value of generations) {
    const generation = checkGeneration(volset, value);
    round[round.staged.add(generation) ? 'fresh' : 'replayed'].push(generation);
  }
  return round;
}

/**
 * Stores of which `claimed` names a generation that is not staged, though others with as large numbers are: histories
 * part. Throws `protocol` where it names more than came.
 */
export function partedStores(staged: StagedGenerations, claimed: Vector): StoreId[] {
  const parted = new Set<StoreId>();
  for (const [chain, { generation, hash }] of Object.entries(claimed) as [ChainId, Vector[ChainId]][]) {
    const store = storeOf(chain);
    if (staged.holds(store, generation, hash)) continue;
    const largest = staged.largest(store);
    if (largest < generation) {
      malformed(`generations of store ${store} end at ${largest}, ${generation} were announced`, {
        reason: 'truncated',
        store,
      });
    }
    parted.add(store);
  }
  return [...parted];
}

/** What is held, and on top of it what a round brings. */
export class StagedGenerations implements KnownGenerations {
  readonly #known: KnownGenerations;
  readonly #previous = new Map<string, GenerationHash>();
  readonly #largest = new Map<StoreId, number>();

  /** On top of nothing, unless told otherwise. */
  constructor(known: KnownGenerations = { holds: () => false, largest: () => 0 }) {
    this.#known = known;
  }

  /** False: it is held already. Throws `protocol` (reason `gap`) where the one before it is not. */
  add({ store, generation, previous, hash }: GenerationHeader): boolean {
    if (this.holds(store, generation, hash)) return false;
    if (generation > 1 && !this.holds(store, generation - 1, previous)) gap(store, generation, previous);
    this.#previous.set(placeOf(store, generation, hash), previous);
    this.#largest.set(store, Math.max(this.largest(store), generation));
    return true;
  }

  holds(store: StoreId, generation: number, hash: GenerationHash): boolean {
    return this.#previous.has(placeOf(store, generation, hash)) || this.#known.holds(store, generation, hash);
  }

  largest(store: StoreId): number {
    return this.#largest.get(store) ?? this.#known.largest(store);
  }

  /** The newest generation at or before this one that was held before the round; undefined: none, or not held at all. */
  base(
    store: StoreId,
    generation: number,
    hash: GenerationHash,
  ): { generation: number; hash: GenerationHash } | undefined {
    let at = { generation, hash };
    for (;;) {
      const previous = this.#previous.get(placeOf(store, at.generation, at.hash));
      if (previous === undefined) return this.#known.holds(store, at.generation, at.hash) ? at : undefined;
      at = { generation: at.generation - 1, hash: previous };
    }
  }
}

const placeOf = (store: StoreId, generation: number, hash: GenerationHash): string => `${store} ${generation} ${hash}`;

/** Histories part, and where is not told: whoever asks may ask again with points of its chains. */
export function forked(stores: StoreId[]): PlaitError {
  return new PlaitError('integrity', `There are different histories under one store id: ${stores.join(', ')}.`, {
    hint: 'A store was copied, or restored from a backup and used on. Nothing was changed.',
    data: { reason: 'fork', stores },
  });
}
