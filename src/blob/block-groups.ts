/** One block builder a kind: objects in, encoded blocks out as they get full. */
import type { Kind } from '../core/hash.ts';
import { BlockBuilder } from './block-builder.ts';

export class BlockGroups {
  readonly #builders = new Map<Kind, BlockBuilder>();

  /** Copies `bytes`; answers with the blocks that this made full. `id` is trusted to be their hash. */
  add(kind: Kind, id: Uint8Array, bytes: Uint8Array): Uint8Array[] {
    const builder = this.#of(kind);
    const blocks = builder.fits(bytes.length) ? [] : [builder.encode()];
    builder.add(id, bytes);
    if (builder.full) blocks.push(builder.encode());
    return blocks;
  }

  /** What is left, one block a kind at most. */
  *rest(): Generator<Uint8Array> {
    for (const builder of this.#builders.values()) if (builder.count > 0) yield builder.encode();
  }

  #of(kind: Kind): BlockBuilder {
    const known = this.#builders.get(kind);
    if (known) return known;
    const builder = new BlockBuilder(kind);
    this.#builders.set(kind, builder);
    return builder;
  }
}
