/** What a worker keeps between the tasks of one ingest: the chunks it read and the block that is being filled. */

import { KIND } from '../../core/hash.ts';
import { Beneath } from '../../disk/beneath.ts';
import { BlockBuilder } from '../block-builder.ts';
import { ID_BYTES } from '../format.ts';
import { BATCH_BYTES } from './limits.ts';

interface Kept {
  /** All ids, 32 bytes each, in memory of their own. */
  ids: Uint8Array;
  chunks: Buffer[];
  /** Memory that the chunks lie in, to be used again. */
  memory: Buffer;
}

/** Buffers that are free; more than this many would only hold memory. */
const SPARE = 3;
/** Sizes are rounded up to this, so that one batch's buffer serves the next: fresh memory costs a page fault each 4 KiB. */
const ROUND = BATCH_BYTES;

export class Session {
  readonly beneath: Beneath;
  readonly #builder = new BlockBuilder(KIND.chunk);
  readonly #kept = new Map<number, Kept>();
  #spare: Buffer[] = [];
  #next = 1;
  #lastTaken = 0;

  constructor(root: string) {
    this.beneath = new Beneath(root);
  }

  /** A buffer of at least `size` bytes. */
  take(size: number): Buffer {
    this.#lastTaken = size;
    const index = this.#spare.findIndex((buffer) => buffer.length >= size);
    if (index >= 0) return this.#spare.splice(index, 1)[0];
    // One that is too small for the work at hand would only hold memory.
    free(this.#spare.pop());
    return Buffer.allocUnsafeSlow(Math.max(1, Math.ceil(size / ROUND)) * ROUND);
  }

  giveBack(memory: Buffer): void {
    const tooLarge = memory.length > 2 * ROUND && this.#lastTaken <= ROUND;
    if (this.#spare.length < SPARE && !tooLarge) this.#spare.push(memory);
    else free(memory);
  }

  keep(kept: Kept): number {
    if (kept.chunks.length === 0) {
      this.giveBack(kept.memory);
      return 0;
    }
    this.#kept.set(this.#next, kept);
    return this.#next++;
  }

  drop(number: number): void {
    const kept = this.#kept.get(number);
    if (kept === undefined) return;
    this.#kept.delete(number);
    this.giveBack(kept.memory);
    (kept.ids.buffer as ArrayBuffer).transfer(0);
  }

  /** Blocks that became full. A chunk joins the block of the chunks before it, of whichever batch they were. */
  pack(number: number, flags: Uint8Array): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    const { ids, chunks } = this.#kept.get(number) as Kept;
    for (let n = 0; n < chunks.length; n++) {
      if (flags[n] !== 1) continue;
      if (!this.#builder.fits(chunks[n].length)) blocks.push(this.#builder.encode());
      this.#builder.add(ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES), chunks[n]);
      if (this.#builder.full) blocks.push(this.#builder.encode());
    }
    this.drop(number);
    return blocks;
  }

  flush(): Uint8Array[] {
    return this.#builder.count === 0 ? [] : [this.#builder.encode()];
  }

  close(): void {
    this.beneath.close();
    for (const { memory } of this.#kept.values()) free(memory);
    this.#kept.clear();
    for (const memory of this.#spare) free(memory);
    this.#spare = [];
  }
}

/** At once: collections of a worker's small heap are rare. */
function free(memory: Buffer | undefined): void {
  if (memory !== undefined) (memory.buffer as ArrayBuffer).transfer(0);
}

const sessions = new Map<number, Session>();

export function sessionOf(number: number, root: string): Session {
  let session = sessions.get(number);
  if (session === undefined) {
    session = new Session(root);
    sessions.set(number, session);
  }
  return session;
}

/** The session of a worker that took part; undefined where it was never asked. */
export const findSession = (number: number): Session | undefined => sessions.get(number);

export function endSession(number: number): void {
  sessions.get(number)?.close();
  sessions.delete(number);
}
