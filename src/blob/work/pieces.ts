/** Objects, or parts of them, that a worker reads from packs one behind the other; blocks stay decoded between tasks. */
import { PlaitError } from '../../core/errors.ts';
import type { ObjectRef } from '../contract.ts';
import { release } from '../release.ts';
import { BlockCache } from './block-cache.ts';
import type { ChunkPlace } from './extract-types.ts';

export interface Pieces {
  kind: 0 | 1;
  /** Paths of pack files. */
  packs: string[];
  /** 32 bytes each. */
  ids: Uint8Array;
  /** Five numbers each: index into packs, block, offset in its raw bytes, first byte wanted, how many (-1 = all). */
  places: Float64Array;
}

export type Wanted = ObjectRef & { start?: number; length?: number };

const COLUMNS = 5;
/** Blocks are given back when no task comes. */
const IDLE_MS = 1000;
let cache: BlockCache | undefined;
let idle: NodeJS.Timeout | undefined;

function blocks(): BlockCache {
  cache ??= new BlockCache();
  clearTimeout(idle);
  idle = setTimeout(() => {
    cache?.close();
    cache = undefined;
  }, IDLE_MS);
  // A command that has ended its work does not wait for this.
  idle.unref();
  return cache;
}

export function listPieces(kind: 0 | 1, wanted: readonly Wanted[], locate: (ref: ObjectRef) => ChunkPlace): Pieces {
  const packs = new Map<string, number>();
  const ids = new Uint8Array(wanted.length * 32);
  const places = new Float64Array(wanted.length * COLUMNS);
  for (const [n, ref] of wanted.entries()) {
    const { pack, block, raw } = locate(ref);
    const number = packs.get(pack) ?? packs.size;
    packs.set(pack, number);
    ids.set(ref.id, n * 32);
    places.set([number, block, raw, ref.start ?? 0, ref.length ?? -1], n * COLUMNS);
  }
  return { kind, packs: [...packs.keys()], ids, places };
}

/**
 * Worker side. Whole objects are checked against their ids; of a base only the checksums of its blocks are, because
 * whoever decodes with another one finds that its targets do not have their ids.
 */
export function gatherPieces({ kind, packs, ids, places }: Pieces, checked: boolean): Buffer {
  const held = blocks();
  const parts: Buffer[] = [];
  for (let at = 0; at < places.length; at += COLUMNS) {
    const [pack, block, raw, start, length] = places.subarray(at, at + COLUMNS);
    const n = at / COLUMNS;
    const bytes = held.object(kind, packs[pack], block, raw, ids.subarray(n * 32, n * 32 + 32), checked);
    const end = length < 0 ? bytes.length : start + length;
    if (end > bytes.length) throw new PlaitError('integrity', 'A piece of a base ends behind its object.');
    // A copy: the next object may push its block out of the cache.
    parts.push(Buffer.from(bytes.subarray(start, end)));
  }
  const all = Buffer.concat(parts);
  for (const part of parts) release(part);
  return all;
}
