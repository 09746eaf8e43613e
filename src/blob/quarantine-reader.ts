/** Reads objects back out of packs that are still being received; the few blocks used last are kept open. */
import { PlaitError } from '../core/errors.ts';
import { hex, type Kind, objectHash } from '../core/hash.ts';
import { type KeptBlock, keptBlock } from './block.ts';
import { memoryOf, OpenFiles, WeightedCache } from './caches.ts';
import { readBlockAt } from './pack.ts';
import type { ReceivedPlace } from './received.ts';

const CACHE_BYTES = 8 * 1024 * 1024;

export class QuarantineReader {
  readonly #path: (file: number) => string;
  readonly #files = new OpenFiles(8);
  readonly #blocks = new WeightedCache<KeptBlock>(CACHE_BYTES, ({ raw }) => memoryOf(raw));

  constructor(path: (file: number) => string) {
    this.#path = path;
  }

  /** A copy, or undefined where the pack has gone from its place. Throws `integrity`. */
  read(kind: Kind, id: Uint8Array, place: ReceivedPlace): Uint8Array | undefined {
    const block = this.#open(place);
    if (!block) return undefined;
    const bytes = Uint8Array.from(block.raw.subarray(place.raw, place.raw + place.length));
    if (block.kind === kind && objectHash(kind, bytes).equals(id)) return bytes;
    throw new PlaitError('integrity', `Object ${hex(id)} was damaged in quarantine.`);
  }

  #open({ file, block: offset }: ReceivedPlace): KeptBlock | undefined {
    const key = `${file}:${offset}`;
    const known = this.#blocks.get(key);
    if (known) return known;
    let bytes: Buffer;
    try {
      bytes = readBlockAt(this.#files.open(this.#path(file)), offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const block = keptBlock(bytes);
    this.#blocks.set(key, block);
    return block;
  }

  close(): void {
    this.#files.closeAll();
  }
}
