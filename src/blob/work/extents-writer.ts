/** Encoded extents of many files, one after the other (core/entry.ts, Content), with runs of holes merged. */
import type { Extent } from '../../core/entry.ts';
import { MAX_EXTENT_BYTES, writeExtent } from '../../core/extents.ts';

export class ExtentsWriter {
  #bytes = Buffer.allocUnsafe(16 * 1024);
  #length = 0;
  /** Length of the run of holes that has not been written yet. */
  #hole = 0;
  /** Extents written since the last `end`. */
  count = 0;

  get length(): number {
    return this.#length;
  }

  chunk(length: number, id: Uint8Array): void {
    this.#endHole();
    this.#write({ length, id });
  }

  hole(length: number): void {
    this.#hole += length;
  }

  /** Ends a file's list and starts the next. Returns the number of its extents. */
  end(): number {
    this.#endHole();
    const { count } = this;
    this.count = 0;
    return count;
  }

  /** What was written so far, in memory of its own. */
  take(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.subarray(0, this.#length));
  }

  #endHole(): void {
    if (this.#hole > 0) this.#write({ length: this.#hole });
    this.#hole = 0;
  }

  #write(extent: Extent): void {
    this.count++;
    if (this.#length + MAX_EXTENT_BYTES > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    }
    this.#length = writeExtent(this.#bytes, this.#length, extent);
  }
}
