/**
 * Writer and reader of a blob diff, the one form in which data travels: over HTTP and, with generations and refs, as a
 * bundle file. A tar stream of `header.json`, [`generations/N.ndjson` …], per snapshot `blocks/N` and `deltas/N` … and
 * then its marker `snapshots/ID.json`, [`refs.json`], `trailer.json`. Without the trailer it was cut. A part of an upload
 * is one as well, with some of the blocks and markers. See docs/protocol.md.
 */
import type { SnapshotId } from '../core/ids.ts';
import {
  bad,
  blockName,
  type DiffEntry,
  type DiffHeader,
  type DiffLimits,
  DiffTally,
  type DiffTrailer,
  decodeHeader,
  decodeTrailer,
  deltaName,
  encodeHeader,
  encodeTrailer,
  entryLimit,
  generationsName,
  HEADER,
  REFS,
  snapshotName,
  TRAILER,
} from './diff-format.ts';
import { readTar, type TarEntry, writeTar } from './tar.ts';

export function writeBlobDiff(header: DiffHeader, entries: AsyncIterable<DiffEntry>): AsyncGenerator<Uint8Array> {
  return writeTar(tarEntries(header, entries));
}

async function* tarEntries(header: DiffHeader, entries: AsyncIterable<DiffEntry>): AsyncGenerator<TarEntry> {
  const tally = new DiffTally();
  const counted = (name: string, bytes: Uint8Array): TarEntry => {
    tally.add(name, bytes);
    return { name, bytes };
  };
  let generations = 0;
  yield counted(HEADER, encodeHeader(header));
  for await (const item of entries) {
    if (item.entry === 'block') yield counted(blockName(tally.blocks), item.bytes);
    else if (item.entry === 'delta') yield counted(deltaName(tally.deltas), item.bytes);
    else if (item.entry === 'snapshot') yield counted(snapshotName(item.id), item.bytes);
    else if (item.entry === 'generations') yield counted(generationsName(generations++), item.bytes);
    else yield counted(REFS, item.bytes);
  }
  yield { name: TRAILER, bytes: encodeTrailer(tally.trailer()) };
}

export type DiffEvent =
  | { entry: 'header'; header: DiffHeader }
  | Exclude<DiffEntry, { entry: 'delta' }>
  /** Kind, and whom it is for, stand in its bytes. */
  | { entry: 'delta'; bytes: Uint8Array }
  | { entry: 'trailer'; trailer: DiffTrailer };

/**
 * Checks form and order and hands on the content, which is not checked here. The last event is the trailer, after
 * every count and the digest agreed; a stream without one throws.
 * @throws `protocol`, `format` (unknown version), `quota` (limits.total), errors of `body`
 */
export async function* readBlobDiff(body: AsyncIterable<Uint8Array>, limits: DiffLimits): AsyncGenerator<DiffEvent> {
  const order = new DiffOrder();
  for await (const { name, bytes } of readTar(body, (name) => entryLimit(name, limits))) {
    yield order.take(name, bytes, limits);
  }
  if (!order.ended) throw bad('it was cut before its end');
}

/** The grammar of the stream, one entry at a time. */
class DiffOrder {
  ended = false;
  readonly #tally = new DiffTally();
  #header: DiffHeader | undefined;
  #generations = 0;
  /** Snapshots of the header whose markers have come, or were passed over (parts). */
  #passed = 0;
  #refs = false;

  take(name: string, bytes: Uint8Array, limits: DiffLimits): DiffEvent {
    if (this.ended) throw bad('entries after its trailer');
    if (name === TRAILER) return { entry: 'trailer', trailer: this.#end(bytes) };
    const event = this.#header ? this.#next(this.#header, name, bytes) : this.#begin(name, bytes);
    this.#tally.add(name, bytes);
    if (this.#tally.bytes > limits.total) {
      throw bad('it is larger than it may be', 'quota');
    }
    return event;
  }

  #begin(name: string, bytes: Uint8Array): DiffEvent {
    if (name !== HEADER) throw bad('it does not begin with its header');
    this.#header = decodeHeader(bytes);
    return { entry: 'header', header: this.#header };
  }

  #next(header: DiffHeader, name: string, bytes: Uint8Array): DiffEvent {
    const { blocks, deltas, snapshots } = this.#tally;
    if (this.#refs) throw bad('entries out of order');
    const due = header.snapshots.at(this.#passed);
    if (due || header.part) {
      if (name === blockName(blocks)) return { entry: 'block', bytes };
      if (name === deltaName(deltas)) return { entry: 'delta', bytes };
    }
    const marked = this.#marked(header, name);
    if (marked !== undefined) return { entry: 'snapshot', id: marked, bytes };
    const bundle = header.store !== undefined;
    if (bundle && blocks + deltas + snapshots === 0 && name === generationsName(this.#generations)) {
      this.#generations++;
      return { entry: 'generations', bytes };
    }
    if (bundle && !due && name === REFS) {
      this.#refs = true;
      return { entry: 'refs', bytes };
    }
    throw bad('entries out of order');
  }

  /** The snapshot whose marker this is: the next one, of a part any of those that follow. */
  #marked({ part, snapshots }: DiffHeader, name: string): SnapshotId | undefined {
    for (let n = this.#passed; n < (part ? snapshots.length : Math.min(this.#passed + 1, snapshots.length)); n++) {
      if (name !== snapshotName(snapshots[n].id)) continue;
      this.#passed = n + 1;
      return snapshots[n].id;
    }
    return undefined;
  }

  #end(bytes: Uint8Array): DiffTrailer {
    const header = this.#header;
    if (!header || (!header.part && this.#passed !== header.snapshots.length)) throw bad('snapshots are missing');
    const claimed = decodeTrailer(bytes);
    const counted = this.#tally.trailer();
    const same = (Object.keys(counted) as (keyof DiffTrailer)[]).every((key) => counted[key] === claimed[key]);
    if (!same) throw bad('its trailer does not match what came', 'integrity');
    this.ended = true;
    return counted;
  }
}
