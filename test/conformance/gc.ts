/** What every blob engine must do when garbage is collected. */
import assert from 'node:assert/strict';
import type { BlobStore } from '../../src/blob/contract.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { hex, KIND, objectHash, unhex } from '../../src/core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { assertWhole, type Files, holdsChunk, prepare, Roots, save } from '../blob/gc-trees.ts';
import { noise } from '../blob/noise.ts';
import type { OpenedStore } from './blob.ts';
import { blockOf } from './block-of.ts';

const A = 'a'.repeat(32) as VolsetId;
const B = 'b'.repeat(32) as VolsetId;
const codeIs = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const bytesOf = (seed: number): Buffer => noise(seed, 8000);
const files = (...seeds: number[]): Files => Object.fromEntries(seeds.map((seed) => [`f${seed}`, bytesOf(seed)]));

export function collectConformance(name: string, open: () => Promise<OpenedStore>): void {
  describe(`garbage collection: ${name}`, () => {
    let store: BlobStore;
    let close: () => Promise<void>;
    let roots: Roots;
    beforeEach(async () => {
      ({ store, close } = await open());
      roots = new Roots();
    });
    afterEach(() => close());

    const held = (volset: VolsetId, ...seeds: number[]): boolean[] =>
      seeds.map((seed) => holdsChunk(store, volset, bytesOf(seed)));

    it('keeps all that is reachable, frees the rest, and has nothing to do then', async () => {
      await save(store, roots, A, files(1, 2, 3));
      const second = await save(store, roots, A, files(2, 3, 4));
      await save(store, roots, A, { ...files(3, 5), big: noise(99, 3_000_000) });
      roots.drop(A, second);
      const stats = await roots.collect(store);
      assert.deepEqual(held(A, 1, 2, 3, 4, 5), [true, true, true, false, true]);
      assert.deepEqual([...store.reader(A).has(KIND.snapshot, unhex(second))], [0]);
      assert.deepEqual(stats.skipped, []);
      assert.equal(stats.objectsRemoved, 3, 'a chunk, a node and a body');
      assertWhole(store, roots);
      const again = await roots.collect(store);
      assert.equal(again.objectsRemoved, 0);
      assert.equal(again.bytesAfter, again.bytesBefore);
      assertWhole(store, roots);
    });

    it('takes what a command left that did not commit, and all of a volset that is not named', async () => {
      await save(store, roots, A, files(1));
      await using writer = store.writer(A);
      prepare(writer, files(2));
      await assert.rejects(
        writer.finish(() => {
          throw new PlaitError('diverged', 'No.');
        }),
      );
      await writer[Symbol.asyncDispose]();
      const other = new Roots();
      await save(store, other, B, files(1, 3));
      await roots.collect(store);
      assert.deepEqual([...held(A, 1, 2), ...held(B, 1, 3)], [true, false, false, false]);
      assertWhole(store, roots);
    });

    it('keeps what came for a volset after it was listed', async () => {
      await save(store, roots, A, files(1));
      const options = roots.options({ volsets: [] });
      await store.collect(options);
      assertWhole(store, roots);
      assert.deepEqual(held(A, 1), [true]);
    });

    it('changes nothing in a dry run, and tells about what it would free', async () => {
      await save(store, roots, A, files(1));
      const gone = await save(store, roots, A, files(2, 3));
      roots.drop(A, gone);
      const stats = await roots.collect(store, { dryRun: true });
      assert.equal(stats.objectsRemoved, 4);
      assert.deepEqual(held(A, 1, 2, 3), [true, true, true]);
      assert.equal((await roots.collect(store)).objectsRemoved, 4);
    });

    it('keeps borrowed objects for whoever borrowed them, and only those', async () => {
      const gone = await save(store, roots, A, files(1, 2));
      const refs = [1, 9].map((seed) => ({ kind: KIND.chunk, id: objectHash(KIND.chunk, bytesOf(seed)) }));
      assert.equal(await store.borrow(A, B, refs), 1);
      await save(store, roots, B, files(1));
      roots.drop(A, gone);
      await roots.collect(store);
      assert.deepEqual([...held(A, 1, 2), ...held(B, 1, 2)], [false, false, true, false]);
      assertWhole(store, roots);
      roots.drop(B, roots.of(B)[0].snapshot);
      await roots.collect(store);
      assert.deepEqual(held(B, 1), [false]);
    });

    it('leaves a volset alone whose trees cannot be walked, and goes on with the others', async () => {
      const gone = await save(store, roots, A, files(1));
      roots.drop(A, gone);
      roots.add(A, { snapshot: 'd'.repeat(64) as SnapshotId, root: 'e'.repeat(64) as NodeId, files: {} });
      const other = await save(store, roots, B, files(2));
      roots.drop(B, other);
      const { skipped } = await roots.collect(store);
      assert.deepEqual(
        skipped.map(({ volset }) => volset),
        [A],
      );
      assert.match(skipped[0].what, /snapshot dddddddddddd/);
      assert.deepEqual([...held(A, 1), ...held(B, 2)], [true, false]);
    });

    it('leaves a volset alone whose roots cannot be told, and goes on with the others', async () => {
      for (const [volset, seed] of [A, B].map((volset, n) => [volset, n] as const))
        roots.drop(volset, await save(store, roots, volset, files(seed)));
      const { skipped } = await store.collect({
        ...roots.options(),
        roots: (volset) => {
          if (volset === A) throw new PlaitError('blob-absent', 'a body is gone');
          return [];
        },
      });
      assert.deepEqual(
        skipped.map(({ volset }) => volset),
        [A],
      );
      assert.match(skipped[0].what, /a body is gone/);
      assert.deepEqual([...held(A, 0), ...held(B, 1)], [true, false]);
    });

    it('makes a writer fail that relied on what it took, and a second try store it again', async () => {
      const gone = await save(store, roots, A, files(1, 2));
      await using writer = store.writer(A);
      const made = prepare(writer, files(2, 3));
      roots.drop(A, gone);
      await roots.collect(store);
      const failure = await writer.finish(() => roots.add(A, made)).catch((error: unknown) => error as PlaitError);
      assert.ok(codeIs('busy')(failure), String(failure));
      assert.deepEqual((failure as PlaitError).data?.missing, [`0:${hex(objectHash(KIND.chunk, bytesOf(2)))}`]);
      await writer[Symbol.asyncDispose]();
      await save(store, roots, A, files(2, 3));
      assertWhole(store, roots);
    });

    it('lets a receiver take again what it had published and gc took', async () => {
      await using receiver = await store.receiver(A, 'up');
      const ids = Buffer.concat([1, 2].map((seed) => objectHash(KIND.chunk, bytesOf(seed))));
      await receiver.addBlock(blockOf(KIND.chunk, [bytesOf(1), bytesOf(2)]));
      receiver.need(KIND.chunk, ids);
      receiver.accept();
      await receiver.publish();
      await roots.collect(store);
      assert.deepEqual([...receiver.has(KIND.chunk, ids)], [0, 0]);
      assert.deepEqual([...receiver.need(KIND.chunk, ids)], [0, 0]);
      await receiver.addBlock(blockOf(KIND.chunk, [bytesOf(1), bytesOf(2)]));
      assert.deepEqual([...receiver.need(KIND.chunk, ids)], [8000, 8000]);
      receiver.accept();
      await receiver.publish();
      assert.deepEqual(held(A, 1, 2), [true, true]);
    });

    it('stops when it is told to, with all that was visible whole', async () => {
      for (const seed of [1, 2, 3]) roots.drop(A, await save(store, roots, A, files(seed, 10)));
      await save(store, roots, A, files(10, 11));
      const abort = new AbortController();
      abort.abort(new PlaitError('interrupted', 'Stop.'));
      await assert.rejects(roots.collect(store, { signal: abort.signal }), codeIs('interrupted'));
      assertWhole(store, roots);
      await roots.collect(store);
      assertWhole(store, roots);
    });

    it('keeps generations, unless it is told which', async () => {
      await save(store, roots, A, files(1));
      await store.appendLog(A, [Buffer.from('generation')]);
      await roots.collect(store);
      const found = await Array.fromAsync(store.scanObjects(KIND.generation, A));
      assert.deepEqual(
        found.map(({ bytes }) => Buffer.from(bytes).toString()),
        ['generation'],
      );
    });
  });
}
