/** Real engines in memory, and blocks made by hand. */
import { BlockBuilder } from '../../../src/blob/block-builder.ts';
import type { BlobStore } from '../../../src/blob/contract.ts';
import { openMemoryBlobs } from '../../../src/blob/memory-engine.ts';
import type { Kind } from '../../../src/core/hash.ts';
import type { VolsetId } from '../../../src/core/ids.ts';
import type { MetaStore } from '../../../src/meta/contract.ts';
import { openMetaStore } from '../../../src/meta/index.ts';

export const VOLSET = '0123456789abcdef0123456789abcdef' as VolsetId;

export interface TestStore {
  blob: BlobStore;
  meta: MetaStore;
}

export function testStore(): TestStore {
  return { blob: openMemoryBlobs(), meta: openMetaStore({ path: ':memory:', now: () => 1_700_000_000_000 }) };
}

/** With the volset made here. */
export function ownStore(): TestStore {
  const store = testStore();
  store.meta.commit(VOLSET, [{ edit: 'create-volset', name: 'data', creator: 'test' }]);
  return store;
}

/** Hands over the metadata of `from`, as a session would. */
export function copyMetadata(from: TestStore, to: TestStore, volset = VOLSET): void {
  from.meta.cut(volset);
  let cursor: string | undefined = from.meta.planDeltas(volset, {}, 0).cursor;
  while (cursor !== undefined) {
    const page = from.meta.readDeltas(volset, cursor);
    to.meta.apply(volset, { peer: from.meta.self.store, generations: page.generations });
    cursor = page.cursor;
  }
}

export interface Loose {
  kind: Kind;
  id: Uint8Array;
  bytes: Uint8Array;
}

/** One block of each kind; ids are taken as given. */
export function blocksOf(objects: Loose[]): Uint8Array[] {
  const builders = new Map<Kind, BlockBuilder>();
  for (const { kind, id, bytes } of objects) {
    const builder = builders.get(kind) ?? new BlockBuilder(kind);
    builders.set(kind, builder);
    builder.add(id, bytes);
  }
  return [...builders.values()].map((builder) => builder.encode());
}
