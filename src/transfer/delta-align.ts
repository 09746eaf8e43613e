/**
 * Which bytes of the old file a chunk of the new one came from: those at the same place, moved by what was inserted or
 * removed before it. How far they moved is told by the nearest chunks, before and after, that both files hold.
 */
import type { NodeSource } from '../blob/contract.ts';
import type { ChunkAt, Manifest, ReachedFile } from '../blob/manifest/contract.ts';
import type { Run } from './delta-directory.ts';

/** Taken on either side of where the chunk should be: small changes near by, and text that moved a little. */
const MARGIN = 64 * 1024;
/** The same where nothing was inserted or removed between the neighbours: in databases and disk images. */
const SETTLED = 8 * 1024;
/** Less of a base cannot save more than naming it costs. */
const LEAST = 64;
/** The place of each chunk is remembered for old files up to this; in larger ones nothing is taken to have moved. */
const MAX_MOVED = 8 * 1024 ** 3;

interface Match {
  index: number;
  offset: number;
  length: number;
  /** Old offset less new offset. */
  shift: number;
}

export class Alignment {
  readonly #size: number;
  /** By the first 16 bytes of the id; undefined where the chunk stands in several places. */
  readonly #old = new Map<string, number | undefined>();
  readonly #extents: Iterator<{ id?: Uint8Array; length: number; index: number; offset: number }> | undefined;
  #last: Match | undefined;
  #next: Match | undefined;

  constructor(manifest: Manifest, nodes: NodeSource, { content, before }: ReachedFile) {
    this.#size = before.size;
    if (before.size > MAX_MOVED) return;
    for (const { id, offset } of manifest.extentsFrom(nodes, before.content, { index: 0 })) {
      if (!id) continue;
      const key = keyOf(id);
      this.#old.set(key, this.#old.has(key) ? undefined : offset);
    }
    this.#extents = manifest.extentsFrom(nodes, content, { index: 0 })[Symbol.iterator]();
    this.#next = this.#scan();
  }

  /** Bytes of the old file; undefined where it has none there. Chunks are asked for in the order of the file. */
  slice({ index, offset }: Pick<ChunkAt, 'index' | 'offset'>, length: number): Run | undefined {
    while (this.#next && this.#next.index <= index) {
      this.#last = this.#next;
      this.#next = this.#scan();
    }
    const [low, high] = this.#shifts(offset, length);
    const margin = this.#last && this.#next && low === high ? SETTLED : MARGIN;
    const start = Math.max(0, offset + low - margin);
    const end = Math.min(this.#size, offset + length + high + margin);
    return end - start < LEAST ? undefined : [start, end - start];
  }

  #shifts(offset: number, length: number): [number, number] {
    // Beginnings stay where they are, unless something was removed there.
    const last = this.#last ?? { offset: Number.NEGATIVE_INFINITY, length: 0, shift: 0 };
    const next = this.#next;
    if (!next) return [last.shift, last.shift];
    const apart = Math.abs(last.shift - next.shift);
    if (apart <= MARGIN) return [Math.min(last.shift, next.shift), Math.max(last.shift, next.shift)];
    // Much was inserted or removed near by: the closer neighbour says more.
    const before = offset - last.offset - last.length;
    const after = next.offset - offset - length;
    const shift = before <= after ? last.shift : next.shift;
    return [shift, shift];
  }

  /** The next chunk that the old file holds once. */
  #scan(): Match | undefined {
    for (let item = this.#extents?.next(); item && !item.done; item = this.#extents?.next()) {
      const { id, index, offset, length } = item.value;
      const old = id && this.#old.get(keyOf(id));
      if (old !== undefined) return { index, offset, length, shift: old - offset };
    }
    return undefined;
  }
}

const keyOf = (id: Uint8Array): string => Buffer.from(id.buffer, id.byteOffset, 16).latin1Slice();
