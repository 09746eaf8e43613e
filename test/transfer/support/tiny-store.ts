/** The smallest stores that satisfy what transfers use of the contracts: objects and snapshot rows in maps. */
import { idAt, objectAt, openBlock, verifyObjects } from '../../../src/blob/block.ts';
import { BlockBuilder } from '../../../src/blob/block-builder.ts';
import type { BlobReader, BlobReceiver, BlobStore, BlobWriter, Commit, ObjectRef } from '../../../src/blob/contract.ts';
import { PlaitError } from '../../../src/core/errors.ts';
import { hex, KIND, type Kind, objectHash, snapshotId, unhex } from '../../../src/core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../../src/core/ids.ts';
import type { SnapshotBody } from '../../../src/core/records.ts';
import { encodeSnapshotBody } from '../../../src/core/snapshot-body.ts';
import type { MetaStore, SnapshotView } from '../../../src/meta/contract.ts';

type Objects = Map<string, Uint8Array>;
const keyOf = (kind: Kind, id: Uint8Array): string => `${kind}${hex(id)}`;

const look = (layers: Objects[], kind: Kind, id: Uint8Array): Uint8Array | undefined => {
  for (const layer of layers) {
    const bytes = layer.get(keyOf(kind, id));
    if (bytes) return bytes;
  }
  return undefined;
};
const hasIn = (layers: Objects[], kind: Kind, ids: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: ids.byteLength / 32 }, (_, i) =>
    look(layers, kind, ids.subarray(i * 32, i * 32 + 32)) ? 1 : 0,
  );
const readIn = (layers: Objects[], kind: Kind, id: Uint8Array): Uint8Array => {
  const bytes = look(layers, kind, id);
  if (!bytes) throw new PlaitError('blob-absent', `object ${keyOf(kind, id)} is not here`);
  return bytes;
};

/** How objects are grouped into blocks does not matter to transfers: small ones show more of their seams. */
export function* encodeBlocks(
  refs: Iterable<ObjectRef>,
  read: (kind: Kind, id: Uint8Array) => Uint8Array,
  target = 4096,
) {
  const builders = new Map<Kind, BlockBuilder>();
  for (const { kind, id } of refs) {
    const builder = builders.get(kind) ?? new BlockBuilder(kind, target);
    builders.set(kind, builder);
    builder.add(id, read(kind, id));
    if (builder.full) yield builder.encode();
  }
  for (const builder of builders.values()) if (builder.count > 0) yield builder.encode();
}

export class TinyBlobs {
  readonly volsets = new Map<VolsetId, Objects>();
  publishes = 0;

  objects(volset: VolsetId): Objects {
    let objects = this.volsets.get(volset);
    if (!objects) this.volsets.set(volset, (objects = new Map()));
    return objects;
  }

  reader(volset: VolsetId): BlobReader {
    const layers = [this.objects(volset)];
    const read = (kind: Kind, id: Uint8Array) => readIn(layers, kind, id);
    const reader: Partial<BlobReader> = {
      has: (kind, ids) => hasIn(layers, kind, ids),
      readNode: (id) => read(KIND.node, unhex(id)),
      readObject: read,
      async *blocks(wanted) {
        yield* encodeBlocks(wanted, read);
      },
    };
    return reader as BlobReader;
  }

  writer(volset: VolsetId): BlobWriter {
    const objects = this.objects(volset);
    const put = (kind: Kind, bytes: Uint8Array): Uint8Array => {
      const id = objectHash(kind, bytes);
      objects.set(keyOf(kind, id), Uint8Array.from(bytes));
      return id;
    };
    const writer: Partial<BlobWriter> = {
      putNode: (bytes) => hex(put(KIND.node, bytes)) as NodeId,
      putObject: put,
      finish: async (commit) => {
        await commit?.();
        return { newChunks: 0, addedBytes: 0, storedBytes: 0 };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    return writer as BlobWriter;
  }

  async receiver(volset: VolsetId): Promise<BlobReceiver> {
    const quarantine: Objects = new Map();
    const layers = [quarantine, this.objects(volset)];
    return {
      addBlock: async (bytes) => {
        await new Promise(setImmediate);
        const block = openBlock(bytes);
        verifyObjects(block);
        for (let n = 0; n < block.count; n++) {
          quarantine.set(keyOf(block.kind, idAt(block, n)), Uint8Array.from(objectAt(block, n)));
        }
      },
      has: (kind, ids) => hasIn(layers, kind, ids),
      nodes: { readNode: (id) => readIn(layers, KIND.node, unhex(id)) },
      publish: async (commit?: Commit) => {
        this.publishes++;
        await commit?.();
        for (const [key, bytes] of quarantine) this.objects(volset).set(key, bytes);
        quarantine.clear();
        return { newChunks: 0, addedBytes: 0, storedBytes: 0 };
      },
      [Symbol.asyncDispose]: async () => quarantine.clear(),
    };
  }

  get store(): BlobStore {
    return this as unknown as BlobStore;
  }
}

export class TinyMeta {
  readonly bodies = new Map<SnapshotId, SnapshotBody>();
  readonly complete = new Set<SnapshotId>();

  add(body: SnapshotBody, blob: boolean): SnapshotId {
    const id = snapshotId(encodeSnapshotBody(body));
    this.bodies.set(id, body);
    if (blob) this.complete.add(id);
    return id;
  }

  findSnapshot(_: VolsetId, id: SnapshotId): SnapshotView | undefined {
    const body = this.bodies.get(id);
    return body && ({ id, body, hasBlob: this.complete.has(id) } as SnapshotView);
  }

  missingBlobs(_: VolsetId, ids: SnapshotId[]): SnapshotId[] {
    return ids.filter((id) => !this.complete.has(id));
  }

  setBlobs(_: VolsetId, ids: SnapshotId[]): void {
    for (const id of ids) this.complete.add(id);
  }

  parentsOf(_: VolsetId, ids: SnapshotId[]): Record<SnapshotId, SnapshotId[]> {
    const known = ids.filter((id) => this.bodies.has(id));
    return Object.fromEntries(known.map((id) => [id, this.bodies.get(id)?.parents ?? []]));
  }

  get store(): MetaStore {
    return this as unknown as MetaStore;
  }
}

export interface Tiny {
  blobs: TinyBlobs;
  meta: TinyMeta;
}
export const tinyStore = (): Tiny => ({ blobs: new TinyBlobs(), meta: new TinyMeta() });
