/** gc beside writers, uploads and other engines of the same store, in any order; and killed anywhere. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { BlobStore } from '../../src/blob/contract.ts';
import { wasCollected } from '../../src/blob/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND, objectHash, unhex } from '../../src/core/hash.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { blockOf } from '../conformance/block-of.ts';
import { assertWhole, type Files, holdsChunk, prepare, Roots, save } from './gc-trees.ts';
import { noise } from './noise.ts';
import { TempStore } from './temp-store.ts';

const A = 'a'.repeat(32) as VolsetId;
const B = 'b'.repeat(32) as VolsetId;
const COLLECTOR = fileURLToPath(new URL('./fixture-collector.ts', import.meta.url));
const bytesOf = (seed: number): Buffer => noise(seed, 12_000 + (seed % 7) * 9000);
const filesOf = (seeds: number[]): Files => Object.fromEntries(seeds.map((seed) => [`f${seed}`, bytesOf(seed)]));
const codeIs = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Act =
  | { act: 'save'; volset: VolsetId; seeds: number[]; pause: number }
  | { act: 'upload'; seeds: number[]; pause: number; suspend: boolean }
  | { act: 'drop'; volset: VolsetId; which: number }
  | { act: 'collect'; waste: number };

const seeds = fc.array(fc.nat({ max: 25 }), { minLength: 1, maxLength: 12 });
const volset = fc.constantFrom(A, B);
const pause = fc.nat({ max: 6 });
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ act: fc.constant('save' as const), volset, seeds, pause }),
  fc.record({ act: fc.constant('upload' as const), seeds, pause, suspend: fc.boolean() }),
  fc.record({ act: fc.constant('drop' as const), volset, which: fc.nat() }),
  fc.record({ act: fc.constant('collect' as const), waste: fc.constantFrom(0, 0.1, 0.5) }),
);

/** All acts at once, on two engines in turn; each of them may wait a little between its parts. */
class Beside {
  readonly roots = new Roots();
  readonly #stores: BlobStore[];
  #uploads = 0;

  constructor(stores: BlobStore[]) {
    this.#stores = stores;
  }

  async run(acts: Act[]): Promise<void> {
    await Promise.all(acts.map((one, n) => this.#act(one, this.#stores[n % this.#stores.length])));
  }

  async #act(one: Act, store: BlobStore): Promise<void> {
    if (one.act === 'drop') {
      await turn();
      const list = this.roots.of(one.volset);
      if (list.length > 0) this.roots.drop(one.volset, list[one.which % list.length].snapshot);
    } else if (one.act === 'collect') {
      // One at a time; a second one is told so.
      await this.roots.collect(store, { waste: one.waste }).catch((error: unknown) => {
        if (!codeIs('busy')(error)) throw error;
      });
    } else await this.#untilKept(() => (one.act === 'save' ? this.#save(one, store) : this.#upload(one, store)));
  }

  async #untilKept(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!wasCollected(error)) throw error;
      }
    }
  }

  async #save(one: Act & { act: 'save' }, store: BlobStore): Promise<void> {
    await using writer = store.writer(one.volset);
    const made = prepare(writer, filesOf(one.seeds));
    for (let n = 0; n < one.pause; n++) await turn();
    await writer.finish(async () => {
      await turn();
      this.roots.add(one.volset, made);
    });
  }

  /** Bytes that the sender's tree needs, sent as far as the receiver does not hold them; cut and taken up half-way. */
  async #upload(one: Act & { act: 'upload' }, store: BlobStore): Promise<void> {
    const objects: { kind: 0 | 1 | 2; bytes: Uint8Array }[] = [];
    const made = await sentTree(filesOf(one.seeds), objects);
    const id = `up-${this.#uploads++}`;
    let receiver = await store.receiver(A, id);
    const send = async (part: typeof objects): Promise<void> => {
      for (const { kind, bytes } of part)
        if (receiver.has(kind, objectHash(kind, bytes))[0] === 0) await receiver.addBlock(blockOf(kind, [bytes]));
    };
    await send(objects.slice(0, objects.length / 2));
    for (let n = 0; n < one.pause; n++) await turn();
    if (one.suspend) {
      await receiver.suspend();
      receiver = await store.receiver(A, id);
    }
    await using _held = receiver;
    for (;;) {
      await send(objects);
      const lacking = objects.filter(({ kind, bytes }) => receiver.need(kind, objectHash(kind, bytes))[0] === 0);
      receiver.accept();
      if (lacking.length > 0) continue;
      try {
        await receiver.publish(() => this.roots.add(A, made));
        return;
      } catch (error) {
        if (!wasCollected(error)) throw error;
      }
    }
  }
}

async function sentTree(files: Files, objects: { kind: 0 | 1 | 2; bytes: Uint8Array }[]) {
  const put = (kind: 0 | 1 | 2, bytes: Uint8Array): Buffer => {
    objects.push({ kind, bytes: Uint8Array.from(bytes) });
    return objectHash(kind, bytes);
  };
  const { openMemoryBlobs } = await import('../../src/blob/index.ts');
  const memory = openMemoryBlobs();
  await using writer = memory.writer(A);
  const made = prepare(writer, files);
  await writer.finish();
  for (const kind of [0, 1, 2] as const) for await (const { bytes } of memory.scanObjects(kind, A)) put(kind, bytes);
  return made;
}

describe('gc beside others', () => {
  it('never takes what a snapshot needs, whatever runs at the same time, and leaves little else', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.array(act, { minLength: 1, maxLength: 8 }), { maxLength: 4 }), async (rounds) => {
        await using temp = new TempStore();
        const beside = new Beside([await temp.open(), await temp.open()]);
        const [store, other] = [await temp.open(), await temp.open()];
        for (const acts of rounds) {
          await beside.run(acts);
          assertWhole(store, beside.roots);
        }
        await beside.roots.collect(other);
        assertWhole(store, beside.roots);
        await assertTight(temp, store, beside.roots);
      }),
      { numRuns: 12 },
    ));

  /** Within 15 % of a store that never held anything else; what a pack costs beside its objects does not count. */
  async function assertTight(temp: TempStore, store: BlobStore, roots: Roots): Promise<void> {
    await using fresh = new TempStore();
    const made = await fresh.open();
    for (const one of roots.volsets()) {
      await using writer = made.writer(one);
      for (const { files } of roots.of(one)) prepare(writer, files);
      await writer.finish();
    }
    const sum = (blobs: BlobStore): number => blobs.packs().reduce((bytes, pack) => bytes + pack.bytes, 0);
    assert.ok(sum(store) <= sum(made) * 1.15 + 4096, `${sum(store)} bytes, ${sum(made)} in a fresh store`);
    const onDisk = temp.files('packs').reduce((bytes, name) => bytes + fs.statSync(path.join(temp.dir, name)).size, 0);
    assert.equal(onDisk, sum(store), 'no file without a row');
  }

  it('leaves a pack alone that a session has placed and not committed', async () => {
    await using temp = new TempStore();
    const [store, other] = [await temp.open(), await temp.open()];
    const roots = new Roots();
    await using receiver = await store.receiver(A, 'up');
    await receiver.addBlock(blockOf(KIND.chunk, [bytesOf(1), bytesOf(2)]));
    receiver.need(KIND.chunk, objectHash(KIND.chunk, bytesOf(1)));
    receiver.accept();
    // Of the two one is needed, so that the pack stays this upload's after the commit too.
    await receiver.publish();
    await roots.collect(other);
    assert.ok(holdsChunk(store, A, bytesOf(1)));
    assert.deepEqual([...receiver.has(KIND.chunk, objectHash(KIND.chunk, bytesOf(2)))], [1]);
    await receiver.suspend();
    await roots.collect(other);
    const again = await store.receiver(A, 'up');
    assert.deepEqual([...again.has(KIND.chunk, objectHash(KIND.chunk, bytesOf(2)))], [1]);
    await again[Symbol.asyncDispose]();
    await roots.collect(other);
    assert.equal(holdsChunk(store, A, bytesOf(1)), false);
    assert.deepEqual(temp.files('packs'), []);
  });

  it('runs one at a time', async () => {
    await using temp = new TempStore();
    const [store, other] = [await temp.open(), await temp.open()];
    const roots = new Roots();
    await save(store, roots, A, filesOf([1]));
    let second: Promise<unknown> | undefined;
    const onProgress = (): void => {
      second ??= assert.rejects(roots.collect(other), codeIs('busy'));
    };
    await roots.collect(store, { onProgress });
    await second;
    assert.ok(second);
    await roots.collect(other);
  });

  it('removes files that nothing names', async () => {
    await using temp = new TempStore();
    const store = await temp.open();
    const roots = new Roots();
    await save(store, roots, A, filesOf([1]));
    const gone = await save(store, roots, B, filesOf([2]));
    const file = temp.files(`packs/${B}`)[0];
    const left = path.join(temp.dir, file);
    fs.copyFileSync(left, path.join(temp.dir, 'left'));
    roots.drop(B, gone);
    await roots.collect(store);
    assert.equal(fs.existsSync(left), false);
    fs.renameSync(path.join(temp.dir, 'left'), left);
    await roots.collect(store);
    assert.equal(fs.existsSync(left), false);
    assertWhole(store, roots);
  });

  it('frees what is all garbage before it writes anything anew, and whatever stops it then', async () => {
    await using temp = new TempStore();
    const store = await temp.open();
    const roots = new Roots();
    const wide = await save(store, roots, A, filesOf([1, 2, 3, 4]));
    await save(store, roots, A, filesOf([3]));
    const gone = await save(store, roots, B, filesOf([5]));
    roots.drop(A, wide);
    roots.drop(B, gone);
    const stop = new AbortController();
    const onProgress = ({ phase }: { phase: string }): void => {
      if (phase === 'sweep') stop.abort();
    };
    await assert.rejects(roots.collect(store, { onProgress, signal: stop.signal }), { name: 'AbortError' });
    assert.deepEqual(temp.files(`packs/${B}`), []);
    assertWhole(store, roots);
  });

  it('takes a damaged pack out of use: what can be read is saved, the rest is missed', async () => {
    await using temp = new TempStore();
    const store = await temp.open();
    const roots = new Roots();
    await save(store, roots, A, filesOf(Array.from({ length: 60 }, (_, n) => n)));
    const [{ pack }] = store.packs(A);
    const file = path.join(temp.dir, 'packs', A, `${pack}.pack`);
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, Buffer.alloc(16, 0xee), 0, 16, 100_000);
    fs.closeSync(fd);
    const fresh = await temp.open();
    const { saved, lost } = await fresh.retirePack(A, pack);
    assert.ok(saved > 0 && lost.length > 0, `${saved} saved, ${lost.length} lost`);
    assert.equal(fs.existsSync(file), false);
    assert.deepEqual(temp.files('damaged'), [`damaged/${A}-${pack}.pack`]);
    for (const { kind, id } of lost) assert.deepEqual([...fresh.reader(A).has(kind, id)], [0]);
    await save(fresh, roots, A, filesOf(Array.from({ length: 60 }, (_, n) => n)));
    assertWhole(await temp.open(), roots);
  });

  it('leaves a valid store wherever it is killed', async () => {
    await using temp = new TempStore();
    const roots = new Roots();
    for (let round = 0; round < 5; round++) {
      const store = await temp.open();
      const keep = Array.from({ length: 30 }, (_, n) => round * 20 + n);
      await save(store, roots, A, filesOf(keep));
      const other = await save(store, roots, A, filesOf(keep.map((n) => n + 500)));
      roots.drop(A, other);
      await store[Symbol.asyncDispose]();
      const list = JSON.stringify(roots.of(A).map(({ number, snapshot, root }) => ({ number, snapshot, root })));
      const child = spawn(process.execPath, [COLLECTOR, temp.dir, A, list], { stdio: ['ignore', 'pipe', 'inherit'] });
      // Killed at a step that grows with the rounds; the process says each.
      let steps = 0;
      for await (const _ of child.stdout) if (++steps > round * 2) break;
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      const after = await temp.open();
      assertWhole(after, roots);
      for await (const damage of after.verifyPacks({ readData: true })) assert.fail(damage.what);
      if (round % 2 === 1) await roots.collect(after);
      assertWhole(after, roots);
      await after[Symbol.asyncDispose]();
    }
  });

  it('makes a push whole that found its chunks here before gc took them', async () => {
    await using temp = new TempStore();
    const [store, other] = [await temp.open(), await temp.open()];
    const roots = new Roots();
    const gone: SnapshotId = await save(store, roots, A, filesOf([1, 2, 3]));
    await using receiver = await store.receiver(A, 'push');
    const objects: { kind: 0 | 1 | 2; bytes: Uint8Array }[] = [];
    const made = await sentTree(filesOf([1, 2, 3]), objects);
    assert.ok(
      objects.every(({ kind, bytes }) => receiver.has(kind, objectHash(kind, bytes))[0] === 1),
      'all is here',
    );
    roots.drop(A, gone);
    for (const { kind, bytes } of objects) receiver.need(kind, objectHash(kind, bytes));
    receiver.accept();
    await roots.collect(other);
    await assert.rejects(
      receiver.publish(() => roots.add(A, made)),
      wasCollected,
    );
    assert.deepEqual(roots.of(A), []);
    for (const { kind, bytes } of objects) await receiver.addBlock(blockOf(kind, [bytes]));
    for (const { kind, bytes } of objects) assert.ok(receiver.need(kind, objectHash(kind, bytes))[0] > 0);
    receiver.accept();
    await receiver.publish(() => roots.add(A, made));
    await roots.collect(other);
    assertWhole(store, roots);
    assert.deepEqual([...store.reader(A).has(KIND.snapshot, unhex(made.snapshot))], [1]);
  });
});
