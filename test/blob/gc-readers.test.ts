/** Readers that looked something up before gc wrote its pack anew, and read it after that. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { objectAt, openBlock } from '../../src/blob/block.ts';
import { ChunkPlaces } from '../../src/blob/chunk-places.ts';
import type { BlobStore, ObjectRef } from '../../src/blob/contract.ts';
import { DeltaSource } from '../../src/blob/delta-source.ts';
import type { IndexDb, Location } from '../../src/blob/index-db.ts';
import { type OpenedIndex, openOrRebuild } from '../../src/blob/index-rebuild.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { ObjectReader } from '../../src/blob/object-reader.ts';
import { DeltaWorkers } from '../../src/blob/work/delta.ts';
import { extract } from '../../src/blob/work/extract.ts';
import { WorkerPool } from '../../src/blob/work/pool.ts';
import type { Runner } from '../../src/blob/work/protocol.ts';
import { hex, KIND, objectHash } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { keyOfText } from '../../src/core/paths.ts';
import { assertWhole, type Files, prepare, Roots } from './gc-trees.ts';
import { noise } from './noise.ts';
import { TempStore } from './temp-store.ts';

const A = 'a'.repeat(32) as VolsetId;
const SMALL = 400;
const small = (seed: number): Buffer => noise(seed, 3000);
const big = noise(5000, 9_000_000);
const idOf = (bytes: Uint8Array): Buffer => objectHash(KIND.chunk, bytes);

describe('readers beside gc', () => {
  let temp: TempStore;
  let store: BlobStore;
  let roots: Roots;
  let opened: OpenedIndex;
  let index: IndexDb;
  let packs: string;

  /** Kept and dropped objects side by side: gc writes their packs anew. */
  beforeEach(async () => {
    temp = new TempStore();
    store = await temp.open();
    roots = new Roots();
    await using writer = store.writer(A);
    const kept: Files = { big };
    for (let n = 0; n < SMALL; n++) {
      kept[`small${n}`] = small(n);
      writer.putBytes(small(n + 1000));
    }
    const made = prepare(writer, kept);
    writer.putBytes(noise(77, 9_000_000));
    await writer.finish(() => roots.add(A, made));
    opened = await openOrRebuild(temp.dir, { lockWaitMs: 5000, random: Math.random });
    index = opened.index;
    packs = path.join(temp.dir, 'packs');
  });
  afterEach(async () => {
    await index.close();
    opened.hold.release();
    await temp[Symbol.asyncDispose]();
  });

  const collect = async (): Promise<void> => {
    assert.ok((await roots.collect(store)).packsRewritten > 0);
    assertWhole(store, roots);
  };

  it('find an object again whose pack has gone', async () => {
    const stale = index.find(A, KIND.chunk, idOf(small(1))) as Location;
    await collect();
    let asked = 0;
    const find: IndexDb['find'] = (...what) => (asked++ === 0 ? stale : index.find(...what));
    const reader = new ObjectReader({ find } as IndexDb, packs, 1 << 20);
    assert.deepEqual(Buffer.from(reader.read(A, KIND.chunk, idOf(small(1)))), small(1));
    assert.equal(asked, 2);
    reader.close();
  });

  it('send every object once, though packs go between two blocks', async () => {
    const refs: ObjectRef[] = Array.from({ length: SMALL }, (_, n) => ({ kind: KIND.chunk, id: idOf(small(n)) }));
    for (const extent of store.reader(A).extents(contentOf('big'))) {
      if (extent.id) refs.push({ kind: KIND.chunk, id: extent.id });
    }
    const got = new Map<string, number>();
    let blocks = 0;
    // Another engine has no file open by which it could read on.
    const other = await temp.open();
    for await (const bytes of other.reader(A).blocks(refs)) {
      if (blocks++ === 0) await collect();
      const block = openBlock(bytes);
      for (let n = 0; n < block.count; n++) {
        const id = hex(idOf(objectAt(block, n)));
        got.set(id, (got.get(id) ?? 0) + 1);
      }
    }
    assert.ok(blocks > 2);
    for (const { id } of refs) assert.equal(got.get(hex(id)), 1);
  });

  const contentOf = (name: string) => {
    const { root } = roots.of(A)[0];
    return manifest.find(store.reader(A), root, keyOfText(name))?.content ?? assert.fail();
  };

  /** Runs gc when the first task of a name is about to begin. */
  const interrupted = (pool: WorkerPool, name: string): Runner => {
    let done = false;
    return {
      size: pool.size,
      idlest: () => pool.idlest(),
      run: async (worker, task, ...rest) => {
        if (task === name && !done) {
          done = true;
          await collect();
        }
        return pool.run(worker, task, ...rest);
      },
      [Symbol.asyncDispose]: async () => {},
    };
  };

  for (const [what, task, names] of [
    ['small files', 'extractFiles', Array.from({ length: SMALL }, (_, n) => `small${n}`)],
    ['a big file', 'writeRange', ['big']],
  ] as const) {
    it(`write ${what} on workers, though packs go after they were looked up`, async () => {
      const root = path.join(temp.dir, 'out');
      fs.mkdirSync(root);
      await using pool = new WorkerPool({ size: 1 });
      const { files } = roots.of(A)[0];
      const targets = names.map((name) => {
        const content = contentOf(name);
        return { path: keyOfText(name), size: files[name].length, mode: 0o644, mtime: 0n, content };
      });
      const reader = store.reader(A);
      const results = await Array.fromAsync(
        extract({
          runner: interrupted(pool, task),
          root,
          tempDir: root,
          targets,
          extents: (content) => reader.extents(content),
          locator: new ChunkPlaces(A, index, packs),
        }),
      );
      assert.equal(results.length, names.length);
      assert.ok(
        results.every(({ status }) => status === 'written'),
        JSON.stringify(results.find(({ status }) => status !== 'written')),
      );
      for (const name of names) assert.ok(fs.readFileSync(path.join(root, name)).equals(files[name]), name);
    });
  }

  it('encode deltas on workers, though packs go after they were looked up', async () => {
    await using pool = new WorkerPool({ size: 1 });
    const workers = new DeltaWorkers(interrupted(pool, 'encodeDelta'));
    const source = new DeltaSource(A, index, packs, () => workers);
    const base = { kind: KIND.chunk, id: idOf(small(1)), start: 0, length: 3000 };
    const target = { kind: KIND.chunk, id: idOf(small(2)) };
    // Enough look-ups for the pack's directory to be remembered.
    for (let n = 0; n < SMALL; n++) source.locate({ kind: KIND.chunk, id: idOf(small(n)) });
    await source.encode([target], [base]);
    assert.ok(index.find(A, KIND.chunk, target.id));
  });
});
