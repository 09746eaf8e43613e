/** Objects that came as deltas, until enough of a kind are here for a block. Bounded by the block that gets full, raw. */
import { type Kind, objectKey } from '../core/hash.ts';
import { BLOCK_MAX_OBJECTS, BLOCK_MAX_RAW, BLOCK_TARGET } from './format.ts';
import { release } from './release.ts';
import { buildBlock, type RawBlock } from './work/encode-block.ts';

interface Group {
  kind: Kind;
  objects: { id: Uint8Array; bytes: Uint8Array }[];
  raw: number;
  /** Encoded, and not kept yet: the disk was full. */
  block?: Uint8Array;
  kept: boolean;
}

export class LooseObjects {
  readonly #keep: (block: Uint8Array) => void;
  readonly #encode: (block: RawBlock) => Uint8Array | Promise<Uint8Array>;
  readonly #open = new Map<Kind, Group>();
  /** Full, and not kept yet. */
  readonly #full = new Set<Group>();
  readonly #objects = new Map<string, Uint8Array>();
  #encoding: Promise<unknown>[] = [];

  /**
   * @param keep what becomes of a block that is full, or that `flush` made
   * @param encode may do it elsewhere
   */
  constructor(
    keep: (block: Uint8Array) => void,
    encode: (block: RawBlock) => Uint8Array | Promise<Uint8Array> = buildBlock,
  ) {
    this.#keep = keep;
    this.#encode = encode;
  }

  find(kind: Kind, id: Uint8Array): Uint8Array | undefined {
    return this.#objects.size === 0 ? undefined : this.#objects.get(objectKey(kind, id));
  }

  /** Copies bytes, whose hashes were checked. They are found from now on; resolves when the blocks they filled are kept. */
  async add(kind: Kind, objects: { id: Uint8Array; bytes: Uint8Array }[]): Promise<void> {
    const filled: Group[] = [];
    for (const { id, bytes } of objects) {
      const group = this.#groupFor(kind, bytes.length, filled);
      // Copies: a view would keep all that came with it in memory.
      const object = { id: new Uint8Array(id), bytes: new Uint8Array(bytes) };
      group.objects.push(object);
      group.raw += bytes.length;
      this.#objects.set(objectKey(kind, id), object.bytes);
      if (group.raw >= BLOCK_TARGET || group.objects.length >= BLOCK_MAX_OBJECTS) filled.push(this.#close(group));
    }
    if (filled.length === 0) return;
    const encoding = Promise.all(filled.map((group) => this.#encodeAndKeep(group)));
    this.#encoding.push(encoding);
    try {
      await encoding;
    } finally {
      this.#encoding = this.#encoding.filter((other) => other !== encoding);
    }
  }

  #groupFor(kind: Kind, length: number, filled: Group[]): Group {
    const open = this.#open.get(kind);
    if (open && open.raw + length <= BLOCK_MAX_RAW) return open;
    if (open) filled.push(this.#close(open));
    const group: Group = { kind, objects: [], raw: 0, kept: false };
    this.#open.set(kind, group);
    return group;
  }

  #close(group: Group): Group {
    this.#open.delete(group.kind);
    this.#full.add(group);
    return group;
  }

  async #encodeAndKeep(group: Group): Promise<void> {
    const block = await this.#encode(together(group));
    if (group.kept) return;
    group.block = block;
    this.#keepGroup(group);
  }

  /** Resolves when no block is being encoded, whatever came of it. */
  async settle(): Promise<void> {
    while (this.#encoding.length > 0) await Promise.allSettled(this.#encoding);
  }

  /** Keeps all of them, now. */
  flush(): void {
    for (const group of [...this.#open.values()]) this.#close(group);
    for (const group of [...this.#full]) this.#keepGroup(group);
  }

  #keepGroup(group: Group): void {
    group.block ??= buildBlock(together(group));
    this.#keep(group.block);
    release(group.block);
    group.kept = true;
    this.#full.delete(group);
    for (const { id, bytes } of group.objects) {
      const key = objectKey(group.kind, id);
      if (this.#objects.get(key) === bytes) this.#objects.delete(key);
    }
  }
}

function together({ kind, objects, raw }: Group): RawBlock {
  const all = new Uint8Array(raw);
  const ids = new Uint8Array(objects.length * 32);
  let at = 0;
  for (const [n, { id, bytes }] of objects.entries()) {
    ids.set(id, n * 32);
    all.set(bytes, at);
    at += bytes.length;
  }
  return { kind, ids, lengths: Uint32Array.from(objects, ({ bytes }) => bytes.length), raw: all };
}
