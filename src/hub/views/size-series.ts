/**
 * Bytes of the snapshots of a volset whose data is here, by time of creation: 16 bytes each, so that a million of them can
 * be kept. All is read once; later only what came since, unless something that was counted is not here any more.
 */
import type { SnapshotId } from '../../core/ids.ts';
import type { BlobSize, BlobSizes } from '../../meta/contract.ts';
import type { Sizes } from '../../wire/views.ts';
import { bounded, pointsOf } from './points.ts';

export type ReadSizes = (after: number, waiting: SnapshotId[], limit: number) => Promise<BlobSizes>;

interface Read {
  /** Ascending, and the bytes of each. */
  created: Float64Array;
  bytes: Float64Array;
  sum: number;
  next: number;
  waiting: SnapshotId[];
  /** As the first page told it: where it changed while later ones were read, the next time begins anew. */
  mark: string | undefined;
  /** How many the store counts that were not told: none, but where rows of it are damaged. */
  untold: number;
}

/** Rows of one read: few enough that others are served in between. */
const PAGE = 5000;

const NOTHING: Read = {
  created: new Float64Array(),
  bytes: new Float64Array(),
  sum: 0,
  next: 0,
  waiting: [],
  mark: undefined,
  untold: 0,
};

export class SizeSeries {
  readonly #read: Read;

  private constructor(read: Read) {
    this.#read = read;
  }

  /** As it is now, going on from `known` where that still holds. */
  static async read(known: SizeSeries | undefined, read: ReadSizes): Promise<SizeSeries> {
    if (known) {
      const { mark, untold } = known.#read;
      const later = await readOn({ ...known.#read, mark: undefined }, read);
      if (later.mark === mark && later.untold === untold) return new SizeSeries(later);
    }
    return new SizeSeries(await readOn(NOTHING, read));
  }

  get sum(): number {
    return bounded(this.#read.sum);
  }

  points(max: number): Sizes['snapshots'] {
    const { created, bytes } = this.#read;
    let [next, logical] = [0, 0];
    return pointsOf(created.length, max).map((at) => {
      while (next <= at) logical += bytes[next++];
      return { at: created[at], bytes: bytes[at], logical: bounded(logical) };
    });
  }
}

async function readOn(start: Read, read: ReadSizes): Promise<Read> {
  for (let so = start; ; ) {
    const page = await read(so.next, so.waiting, PAGE);
    const isEnd = page.next === so.next;
    const { created, bytes } = merged(so, page.sizes);
    const { next, waiting, count } = page;
    const sum = page.sizes.reduce((all, one) => all + one.bytes, so.sum);
    so = { created, bytes, sum, next, waiting, mark: so.mark ?? page.mark, untold: count - created.length };
    if (isEnd) return so;
  }
}

function merged({ created, bytes }: Read, more: BlobSize[]): Pick<Read, 'created' | 'bytes'> {
  if (more.length === 0) return { created, bytes };
  const fresh = [...more].sort((a, b) => a.created - b.created);
  const all = {
    created: new Float64Array(created.length + fresh.length),
    bytes: new Float64Array(bytes.length + fresh.length),
  };
  let old = 0;
  for (const [i, one] of fresh.entries()) {
    const from = old;
    while (old < created.length && created[old] <= one.created) old++;
    all.created.set(created.subarray(from, old), from + i);
    all.bytes.set(bytes.subarray(from, old), from + i);
    all.created[old + i] = one.created;
    all.bytes[old + i] = one.bytes;
  }
  all.created.set(created.subarray(old), old + fresh.length);
  all.bytes.set(bytes.subarray(old), old + fresh.length);
  return all;
}
