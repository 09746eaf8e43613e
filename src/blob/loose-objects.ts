/** Objects that came as deltas, until enough of a kind are here for a block. Bounded: one block a kind, raw. */
import { hex, type Kind } from '../core/hash.ts';
import { idAt, parseHeader } from './block.ts';
import { BlockGroups } from './block-groups.ts';

const keyOf = (kind: Kind, id: Uint8Array): string => kind + hex(id);

export class LooseObjects {
  readonly #keep: (block: Uint8Array) => void;
  readonly #groups = new BlockGroups();
  readonly #objects = new Map<string, Uint8Array>();
  /** Encoded and not kept yet: the disk was full. */
  readonly #blocks: Uint8Array[] = [];

  /** @param keep what becomes of a block that is full, or that `flush` made */
  constructor(keep: (block: Uint8Array) => void) {
    this.#keep = keep;
  }

  find(kind: Kind, id: Uint8Array): Uint8Array | undefined {
    return this.#objects.size === 0 ? undefined : this.#objects.get(keyOf(kind, id));
  }

  /** Copies `bytes`, whose hash was checked. */
  add(kind: Kind, id: Uint8Array, bytes: Uint8Array): void {
    this.#objects.set(keyOf(kind, id), Uint8Array.from(bytes));
    this.#blocks.push(...this.#groups.add(kind, id, bytes));
    this.#keepBlocks();
  }

  flush(): void {
    this.#blocks.push(...this.#groups.rest());
    this.#keepBlocks();
  }

  #keepBlocks(): void {
    while (this.#blocks.length > 0) {
      this.#keep(this.#blocks[0]);
      const block = parseHeader(this.#blocks[0]);
      for (let n = 0; n < block.count; n++) this.#objects.delete(keyOf(block.kind, idAt(block, n)));
      this.#blocks.shift();
    }
  }
}
