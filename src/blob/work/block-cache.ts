/** Blocks read from packs by one thread, decompressed, the last few of them kept. */
import { closeSync, openSync } from 'node:fs';
import { codeOfErrno, PlaitError } from '../../core/errors.ts';
import { hex, KIND, objectHash } from '../../core/hash.ts';
import { type OpenBlock, openBlock } from '../block.ts';
import { readBlockAt } from '../pack.ts';
import { errnoOf } from './failure.ts';

const MAX_BLOCKS = 6;
const MAX_PACKS = 8;

export class BlockCache {
  readonly #blocks = new Map<string, OpenBlock>();
  readonly #packs = new Map<string, number>();

  /** Bytes of a chunk, checked against its id. Throws `integrity` (or `io`) with the object and the pack. */
  chunk(pack: string, block: number, raw: number, length: number, id: Uint8Array): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = this.#block(pack, block).raw.subarray(raw, raw + length);
    } catch (cause) {
      throw unreadable(cause, id, pack);
    }
    if (bytes.length === length && objectHash(KIND.chunk, bytes).equals(id)) return bytes;
    throw unreadable(new Error('its bytes do not have its hash; damaged'), id, pack);
  }

  close(): void {
    for (const fd of this.#packs.values()) closeSync(fd);
    this.#packs.clear();
    this.#blocks.clear();
  }

  #block(pack: string, offset: number): OpenBlock {
    const key = `${offset} ${pack}`;
    let block = this.#blocks.get(key);
    if (block !== undefined) this.#blocks.delete(key);
    else block = openBlock(readBlockAt(this.#fd(pack), offset));
    this.#blocks.set(key, block);
    if (this.#blocks.size > MAX_BLOCKS) this.#blocks.delete(this.#blocks.keys().next().value as string);
    return block;
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

/** Never with the errno of the pack: that would read as the fault of the file to be written. */
function unreadable(cause: unknown, id: Uint8Array, pack: string): PlaitError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PlaitError(
    codeOfErrno(errnoOf(cause)) ?? 'integrity',
    `Object ${hex(id)} cannot be read from ${pack}: ${why}`,
    {
      hint: 'Run `plait verify --read-data` to see what else is damaged.',
      data: { object: hex(id), pack },
      cause,
    },
  );
}
