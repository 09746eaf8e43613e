/** Writes one pack under a temporary name: append blocks, seal, then the owner moves it to its place. */
import { close, closeSync } from 'node:fs';
import { promisify } from 'node:util';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { openExclusive, writeAll } from '../disk/durable.ts';
import { openUpdate, syncDataAsync, syncFileAsync, truncateTo } from '../disk/files.ts';
import { parseFixed } from './block.ts';
import { PACK_TARGET, PACK_TARGET_OBJECTS } from './format.ts';
import { packFooter, packHeader } from './pack.ts';
import { DirectoryBuilder, PACK_HEADER } from './pack-directory.ts';

const closeAsync = promisify(close);

export interface SealedPack {
  /** 64 hex digits. */
  pack: string;
  path: string;
  bytes: number;
  objects: number;
}

export class PackWriter {
  readonly path: string;
  readonly #volset: VolsetId;
  readonly #fd: number;
  readonly #directory = new DirectoryBuilder();
  #end = PACK_HEADER;
  #open = true;
  #flushing: Promise<unknown> = Promise.resolve();

  constructor(path: string, volset: VolsetId, fd?: number) {
    this.path = path;
    this.#volset = volset;
    this.#fd = fd ?? openExclusive(path);
    if (fd !== undefined) return;
    try {
      writeAll(this.#fd, packHeader(volset), 0);
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Goes on with an unfinished pack: its sound blocks are told with `adopt`, in order, and `cut` removes the rest. */
  static resume(path: string, volset: VolsetId): PackWriter {
    return new PackWriter(path, volset, openUpdate(path));
  }

  /** For reading back what was appended. */
  get fd(): number {
    return this.#fd;
  }

  /** Bytes that the sealed pack would have, but for the footer. */
  get length(): number {
    return this.#end + this.#directory.length;
  }

  /** Where the next block begins. */
  get end(): number {
    return this.#end;
  }

  get open(): boolean {
    return this.#open;
  }

  get empty(): boolean {
    return this.#directory.blocks === 0;
  }

  get full(): boolean {
    return this.length >= PACK_TARGET || this.#directory.objects >= PACK_TARGET_OBJECTS;
  }

  /** Answers where the block begins. Only lengths are checked: blocks are ours, or were checked when they came. */
  append(block: Uint8Array): number {
    const { count, totalLength } = parseFixed(block);
    if (block.length !== totalLength) throw new PlaitError('unexpected', 'A block of another length than it says.');
    writeAll(this.#fd, block, this.#end);
    return this.#include(block, count);
  }

  /** The same for a block that lies there already. */
  adopt(block: Uint8Array): number {
    return this.#include(block, parseFixed(block).count);
  }

  /** Removes what lies behind the last block. */
  cut(): void {
    truncateTo(this.#fd, this.#end);
  }

  #include(block: Uint8Array, count: number): number {
    const offset = this.#end;
    this.#directory.add(offset, block, count);
    this.#end += block.length;
    return offset;
  }

  /** Makes what was appended so far durable, for readers that salvage. */
  flush(): Promise<void> {
    const flushed = syncDataAsync(this.#fd);
    this.#flushing = flushed.catch(() => {});
    return flushed;
  }

  /**
   * Directory and footer written, all synced, file closed. Where they cannot be written (a full disk) the pack stays
   * open, its blocks as they were, and may be sealed again.
   */
  async seal(): Promise<SealedPack> {
    const directory = this.#directory.encode(this.#volset);
    const { pack, footer } = packFooter(directory, this.#end);
    const bytes = this.#end + directory.length + footer.length;
    writeAll(this.#fd, directory, this.#end);
    writeAll(this.#fd, footer, this.#end + directory.length);
    truncateTo(this.#fd, bytes);
    await this.#flushing;
    try {
      await syncFileAsync(this.#fd);
    } catch (error) {
      // Nobody knows what of it is on the disk.
      this.discard();
      throw error;
    }
    this.#open = false;
    await closeAsync(this.#fd);
    return { pack, path: this.path, bytes, objects: this.#directory.objects };
  }

  /** Closes without sealing; the owner removes the file. */
  discard(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}
