/** Blocks read from packs by one thread, decompressed, the last few of them kept. */
import { closeSync, openSync } from 'node:fs';
import { codeOfErrno, PlaitError } from '../../core/errors.ts';
import { hex, KIND, type Kind, objectHash } from '../../core/hash.ts';
import { openBlock } from '../block.ts';
import { CODEC } from '../format.ts';
import { readBlockAt } from '../pack.ts';
import { release } from '../release.ts';
import { errnoOf } from './failure.ts';

const MAX_BLOCKS = 6;
const MAX_PACKS = 8;

interface Held {
  raw: Uint8Array;
  offsets: Uint32Array;
}

export class BlockCache {
  /** By place, least recently used first. */
  readonly #blocks = new Map<string, Held>();
  readonly #packs = new Map<string, number>();

  /** Bytes of a chunk, checked against its id, good until the next call. Throws `integrity` (or `io`) with the object and the pack. */
  chunk(pack: string, block: number, raw: number, length: number, id: Uint8Array): Uint8Array {
    return this.#checked(KIND.chunk, pack, id, () => this.#block(pack, block).raw.subarray(raw, raw + length), length);
  }

  /** The same for an object of any kind whose length is not known; the block's own table says it. Unless `checked`, its hash is not looked at. */
  object(kind: Kind, pack: string, block: number, raw: number, id: Uint8Array, checked = true): Uint8Array {
    const read = (): Uint8Array => {
      const { raw: all, offsets } = this.#block(pack, block);
      return all.subarray(raw, offsets[offsets.indexOf(raw) + 1]);
    };
    return checked ? this.#checked(kind, pack, id, read) : readable(pack, id, read);
  }

  #checked(kind: Kind, pack: string, id: Uint8Array, read: () => Uint8Array, length?: number): Uint8Array {
    const bytes = readable(pack, id, read);
    if ((length === undefined || bytes.length === length) && objectHash(kind, bytes).equals(id)) return bytes;
    throw unreadable(new Error('its bytes do not have its hash; damaged'), id, pack);
  }

  close(): void {
    for (const fd of this.#packs.values()) closeSync(fd);
    this.#packs.clear();
    for (const { raw } of this.#blocks.values()) release(raw);
    this.#blocks.clear();
  }

  #block(pack: string, offset: number): Held {
    const key = `${offset} ${pack}`;
    let block = this.#blocks.get(key);
    if (block !== undefined) this.#blocks.delete(key);
    else block = this.#read(pack, offset);
    this.#blocks.set(key, block);
    if (this.#blocks.size > MAX_BLOCKS) this.#dropOldest();
    return block;
  }

  #read(pack: string, offset: number): Held {
    const encoded = readBlockAt(this.#fd(pack), offset);
    const { codec, raw, offsets } = openBlock(encoded);
    if (codec !== CODEC.raw) release(encoded);
    return { raw, offsets };
  }

  #dropOldest(): void {
    for (const [key, { raw }] of this.#blocks) {
      this.#blocks.delete(key);
      release(raw);
      return;
    }
  }

  #fd(pack: string): number {
    let fd = this.#packs.get(pack);
    if (fd !== undefined) return fd;
    if (this.#packs.size >= MAX_PACKS) {
      for (const old of this.#packs.values()) closeSync(old);
      this.#packs.clear();
    }
    fd = openSync(pack, 'r');
    this.#packs.set(pack, fd);
    return fd;
  }
}

function readable(pack: string, id: Uint8Array, read: () => Uint8Array): Uint8Array {
  try {
    return read();
  } catch (cause) {
    throw unreadable(cause, id, pack);
  }
}

/** Never with the errno of the pack: that would read as the fault of the file to be written. */
function unreadable(cause: unknown, id: Uint8Array, pack: string): PlaitError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PlaitError(
    codeOfErrno(errnoOf(cause)) ?? 'integrity',
    `Object ${hex(id)} cannot be read from ${pack}: ${why}`,
    {
      hint: 'Run `plait verify --read-data` to see what else is damaged.',
      data: { object: hex(id), pack, ...(errnoOf(cause) === 'ENOENT' && { gone: true }) },
      cause,
    },
  );
}

/** The pack is not where it was: gc may have written it anew, so that its objects are elsewhere. */
export const isGone = (error: unknown): boolean => error instanceof PlaitError && error.data?.['gone'] === true;
