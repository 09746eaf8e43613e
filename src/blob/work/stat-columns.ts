/** Stats of many files in one buffer, 80 bytes each: passes between threads without a copy or an object per file. */
import type { FileStat } from '../../core/stat.ts';

const FIELDS = 10;
export const STAT_BYTES = FIELDS * 8;

export class StatColumns {
  readonly buffer: ArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #signed: BigInt64Array;
  readonly #unsigned: BigUint64Array;

  constructor(countOrBuffer: number | ArrayBuffer) {
    this.buffer = typeof countOrBuffer === 'number' ? new ArrayBuffer(countOrBuffer * STAT_BYTES) : countOrBuffer;
    this.#numbers = new Float64Array(this.buffer);
    this.#signed = new BigInt64Array(this.buffer);
    this.#unsigned = new BigUint64Array(this.buffer);
  }

  set(index: number, stat: FileStat): void {
    const at = index * FIELDS;
    this.#numbers[at] = stat.size;
    this.#numbers[at + 1] = stat.mode;
    this.#numbers[at + 2] = stat.nlink;
    this.#numbers[at + 3] = stat.uid;
    this.#numbers[at + 4] = stat.gid;
    this.#numbers[at + 5] = stat.blocks;
    this.#signed[at + 6] = stat.mtimeNs;
    this.#signed[at + 7] = stat.ctimeNs;
    this.#unsigned[at + 8] = stat.dev;
    this.#unsigned[at + 9] = stat.ino;
  }

  get(index: number): FileStat {
    const at = index * FIELDS;
    return {
      size: this.#numbers[at],
      mode: this.#numbers[at + 1],
      nlink: this.#numbers[at + 2],
      uid: this.#numbers[at + 3],
      gid: this.#numbers[at + 4],
      blocks: this.#numbers[at + 5],
      mtimeNs: this.#signed[at + 6],
      ctimeNs: this.#signed[at + 7],
      dev: this.#unsigned[at + 8],
      ino: this.#unsigned[at + 9],
    };
  }
}
