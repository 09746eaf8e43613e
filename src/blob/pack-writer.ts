/** Writes one pack under a temporary name: append blocks, seal, then the owner moves it to its place. */
import { close, closeSync, fdatasync, fsync, ftruncateSync } from 'node:fs';
import { promisify } from 'node:util';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { openExclusive, writeAll } from '../disk/durable.ts';
import { parseFixed } from './block.ts';
import { PACK_TARGET, PACK_TARGET_OBJECTS } from './format.ts';
import { packFooter, packHeader } from './pack.ts';
import { DirectoryBuilder, PACK_HEADER } from './pack-directory.ts';

const fsyncAsync = promisify(fsync);
const fdatasyncAsync = promisify(fdatasync);
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

  constructor(path: string, volset: VolsetId) {
    this.path = path;
    this.#volset = volset;
    this.#fd = openExclusive(path);
    try {
      writeAll(this.#fd, packHeader(volset), 0);
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** For reading back what was appended. */
  get fd(): number {
    return this.#fd;
  }

  /** Bytes that the sealed pack would have, but for the footer. */
  get length(): number {
    return this.#end + this.#directory.length;
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
    const offset = this.#end;
    writeAll(this.#fd, block, offset);
    this.#directory.add(offset, block, count);
    this.#end += block.length;
    return offset;
  }

  /** Makes what was appended so far durable, for readers that salvage. */
  async flush(): Promise<void> {
    await fdatasyncAsync(this.#fd);
  }

  /** Directory and footer written, all synced, file closed. */
  async seal(): Promise<SealedPack> {
    const directory = this.#directory.encode(this.#volset);
    const { pack, footer } = packFooter(directory, this.#end);
    writeAll(this.#fd, directory, this.#end);
    writeAll(this.#fd, footer, this.#end + directory.length);
    const bytes = this.#end + directory.length + footer.length;
    ftruncateSync(this.#fd, bytes);
    await fsyncAsync(this.#fd);
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
