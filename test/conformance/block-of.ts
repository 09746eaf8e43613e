import { BlockBuilder } from '../../src/blob/block-builder.ts';
import { type Kind, objectHash } from '../../src/core/hash.ts';

/** One encoded block of these objects. */
export function blockOf(kind: Kind, objects: Uint8Array[]): Buffer {
  const builder = new BlockBuilder(kind);
  for (const bytes of objects) builder.add(objectHash(kind, bytes), bytes);
  return builder.encode();
}
