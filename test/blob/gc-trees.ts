/** Small snapshots in blob stores without meta.db: what is complete stands in a list, as gc asks for it. */
import assert from 'node:assert/strict';
import type { BlobStore, BlobWriter, CollectOptions, CollectRoot, CollectStats } from '../../src/blob/contract.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { Entry } from '../../src/core/entry.ts';
import { hex, KIND, objectHash } from '../../src/core/hash.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { keyOfText } from '../../src/core/paths.ts';

/** Bytes by name. */
export type Files = Record<string, Uint8Array>;

export interface Kept extends CollectRoot {
  files: Files;
}

/** What meta.db would say. */
export class Roots {
  readonly #lists = new Map<VolsetId, Kept[]>();
  #number = 0;

  of(volset: VolsetId): Kept[] {
    const list = this.#lists.get(volset) ?? [];
    this.#lists.set(volset, list);
    return list;
  }

  add(volset: VolsetId, root: Omit<Kept, 'number'>): void {
    this.of(volset).push({ ...root, number: ++this.#number });
  }

  drop(volset: VolsetId, ...snapshots: SnapshotId[]): void {
    const left = this.of(volset).filter(({ snapshot }) => !snapshots.includes(snapshot));
    this.#lists.set(volset, left);
  }

  options(more: Partial<CollectOptions> = {}): CollectOptions {
    return {
      volsets: [...this.#lists.keys()],
      roots: (volset, after) => (this.#lists.get(volset) ?? []).filter(({ number }) => number > after),
      ...more,
    };
  }

  collect(store: BlobStore, more: Partial<CollectOptions> = {}): Promise<CollectStats> {
    return store.collect(this.options(more));
  }

  volsets(): VolsetId[] {
    return [...this.#lists.keys()];
  }
}

const entriesOf = (writer: BlobWriter, files: Files): Entry[] =>
  Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bytes]) => ({
      path: keyOfText(name),
      kind: 'file',
      mode: 0o644,
      mtime: 0n,
      size: bytes.length,
      content: writer.putBytes(bytes),
    }));

/** Puts all of it into the writer; `commit` makes it visible. */
export function prepare(writer: BlobWriter, files: Files): Omit<Kept, 'number'> {
  const root = manifest.build(writer, entriesOf(writer, files));
  const snapshot = hex(writer.putObject(KIND.snapshot, Buffer.from(`body of ${root}`))) as SnapshotId;
  return { snapshot, root, files };
}

export async function save(store: BlobStore, roots: Roots, volset: VolsetId, files: Files): Promise<SnapshotId> {
  await using writer = store.writer(volset);
  const made = prepare(writer, files);
  await writer.finish(() => roots.add(volset, made));
  return made.snapshot;
}

/** Every byte of every snapshot that is named can be read. */
export function assertWhole(store: BlobStore, roots: Roots): void {
  for (const volset of roots.volsets()) {
    const reader = store.reader(volset);
    for (const { root, files, snapshot } of roots.of(volset)) {
      assert.equal(reader.has(KIND.snapshot, Buffer.from(snapshot, 'hex'))[0], 1, 'its body');
      const found = [...manifest.entries(reader, root)];
      assert.equal(found.length, Object.keys(files).length);
      for (const { path, content } of found) {
        const bytes = Buffer.concat([...reader.readFile(content ?? { extents: new Uint8Array() })]);
        assert.ok(bytes.equals(files[path]), `${path} of ${snapshot.slice(0, 8)}`);
      }
    }
  }
}

/** A file of one chunk is its own chunk. */
export const holdsChunk = (store: BlobStore, volset: VolsetId, bytes: Uint8Array): boolean =>
  store.reader(volset).has(KIND.chunk, objectHash(KIND.chunk, bytes))[0] === 1;
