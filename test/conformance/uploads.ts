/** What every blob engine must do with uploads: take them up again, in parts, several calls at once, with deltas. */
import assert from 'node:assert/strict';
import { constants, zstdCompressSync } from 'node:zlib';
import type { BasePiece, BlobReceiver, BlobStore, DeltaInput, ObjectRef } from '../../src/blob/contract.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { hex, KIND, objectHash } from '../../src/core/hash.ts';
import type { NodeId, VolsetId } from '../../src/core/ids.ts';
import { noise } from '../blob/noise.ts';
import type { OpenedStore } from './blob.ts';
import { blockOf } from './block-of.ts';

const A = 'a'.repeat(32) as VolsetId;
const B = 'b'.repeat(32) as VolsetId;
const codeIs = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const chunk = (seed: number): Buffer => noise(seed, 5000);
const idOf = (bytes: Uint8Array): Buffer => objectHash(KIND.chunk, bytes);
const ids = (...seeds: number[]): Buffer => Buffer.concat(seeds.map((seed) => idOf(chunk(seed))));
const block = (...seeds: number[]): Buffer => blockOf(KIND.chunk, seeds.map(chunk));

interface DeltaParts {
  kind?: 0 | 1;
  base: Uint8Array[];
  targets: Uint8Array[];
}

function deltaOf({ kind = 0, base, targets }: DeltaParts, changes: Partial<DeltaInput> = {}): DeltaInput {
  const raw = Buffer.concat(targets);
  const pieces = base.map(
    (bytes): BasePiece => ({ kind, id: objectHash(kind, bytes), start: 0, length: bytes.length }),
  );
  return {
    kind,
    targets: targets.map((bytes) => ({ id: objectHash(kind, bytes), length: bytes.length })),
    base: pieces,
    frame: zstdCompressSync(raw, { dictionary: Buffer.concat(base), pledgedSrcSize: raw.length }),
    ...changes,
  };
}

/** The old bytes with a few changed. */
function edited(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.write('edited', at);
  return copy;
}

export function uploadConformance(name: string, open: () => Promise<OpenedStore>): void {
  describe(`uploads: ${name}`, () => {
    let store: BlobStore;
    let close: () => Promise<void>;
    beforeEach(async () => ({ store, close } = await open()));
    afterEach(() => close());

    const heldIds = (receiver: BlobReceiver): string[] => [...receiver.heldIds(KIND.chunk)].map(hex).sort();
    const sorted = (...seeds: number[]): string[] => seeds.map((seed) => hex(idOf(chunk(seed)))).sort();
    const publish = async (receiver: BlobReceiver, ...seeds: number[]) => {
      assert.ok(!receiver.need(KIND.chunk, ids(...seeds)).includes(0));
      receiver.accept();
      return receiver.publish();
    };

    it('goes on with what was suspended, and knows what that is', async () => {
      const first = await store.receiver(A, 'up');
      await first.addBlock(block(1, 2));
      await first.addBlock(block(3));
      assert.ok(first.bytes >= 15_000);
      await first.suspend();
      await first[Symbol.asyncDispose]();
      await assert.rejects(first.sync(), codeIs('unexpected'));
      await assert.rejects(first.suspend(), codeIs('unexpected'));
      await assert.rejects(first.addBlock(block(4)), codeIs('unexpected'));

      await using again = await store.receiver(A, 'up');
      assert.deepEqual([...again.has(KIND.chunk, ids(1, 2, 3, 4))], [1, 1, 1, 0]);
      assert.deepEqual(heldIds(again), sorted(1, 2, 3));
      assert.deepEqual([...again.heldIds(KIND.node)], []);
      assert.ok(again.bytes >= 15_000);
      await again.addBlock(block(4));
      const stats = await publish(again, 1, 2, 3, 4);
      assert.deepEqual([stats.newChunks, stats.addedBytes], [4, 20_000]);
      assert.deepEqual([...store.reader(A).has(KIND.chunk, ids(1, 2, 3, 4))], [1, 1, 1, 1]);
      assert.deepEqual(heldIds(again), []);
      assert.equal(again.bytes, 0);
    });

    it('keeps what was not published, and counts nothing twice', async () => {
      const first = await store.receiver(A, 'up');
      await first.addBlock(block(1, 2, 3));
      await first.addBlock(block(4));
      assert.equal((await publish(first, 2)).newChunks, 1);
      await first.suspend();
      const second = await store.receiver(A, 'up');
      assert.deepEqual(heldIds(second), sorted(1, 3, 4));
      assert.deepEqual([...second.has(KIND.chunk, ids(1, 2, 3, 4))], [1, 1, 1, 1]);
      assert.equal((await publish(second, 1, 2)).newChunks, 1);
      await second.suspend();
      await using third = await store.receiver(A, 'up');
      assert.deepEqual(heldIds(third), sorted(3, 4));
      assert.deepEqual(await publish(third, 1, 2, 3, 4).then(({ newChunks }) => newChunks), 2);
      for (const seed of [1, 2, 3, 4])
        assert.deepEqual(Buffer.from(store.reader(A).readObject(KIND.chunk, ids(seed))), chunk(seed));
    });

    it('gives an upload to whom it belongs only', async () => {
      const first = await store.receiver(A, 'up', 'token-1');
      await first.addBlock(block(1));
      await assert.rejects(store.receiver(A, 'up', 'token-1'), codeIs('busy'));
      assert.deepEqual(store.unfinished(A, 'token-1'), [], 'it lives');
      await first.suspend();
      await assert.rejects(store.receiver(A, 'up', 'token-2'), codeIs('forbidden'));
      await assert.rejects(store.receiver(B, 'up', 'token-1'), codeIs('protocol'));
      await (await store.receiver(A, 'later', 'token-1')).suspend();
      assert.deepEqual(store.unfinished(A, 'token-1').sort(), ['later', 'up']);
      assert.deepEqual(store.unfinished(A, 'token-2'), []);
      assert.deepEqual(store.unfinished(B, 'token-1'), []);
      assert.ok(store.quarantineBytes('token-1') >= 5000);
      assert.equal(store.quarantineBytes('token-2'), 0);
      assert.equal(store.cleanQuarantine(), 0, 'young');
      assert.equal(store.quarantineBytes(), store.quarantineBytes('token-1'));
      await (await store.receiver(A, 'up', 'token-1'))[Symbol.asyncDispose]();
      assert.deepEqual(store.unfinished(A, 'token-1'), ['later']);
      assert.equal(store.quarantineBytes(), 0);
    });

    it('takes any text as the owner, up to a length', async () => {
      for (const owner of ['../../x', 'a/b', '\0', '"', 'ü'.repeat(1024), '__proto__']) {
        await (await store.receiver(A, 'up', owner)).suspend();
        assert.deepEqual(store.unfinished(A, owner), ['up']);
        await (await store.receiver(A, 'up', owner))[Symbol.asyncDispose]();
      }
      for (const owner of ['x'.repeat(1025), '\ud800'])
        await assert.rejects(store.receiver(A, 'up', owner), codeIs('protocol'));
    });

    it('loses nothing of what arrives while it publishes and syncs', async () => {
      const all = Array.from({ length: 60 }, (_, n) => n);
      await using receiver = await store.receiver(A, 'up');
      const work: Promise<unknown>[] = [];
      for (const n of all) {
        const added = receiver.addBlock(block(n, n + 1));
        work.push(added);
        if (n % 7 === 3) work.push(added.then(() => publish(receiver, n)));
        if (n % 5 === 0) work.push(receiver.sync(), receiver.sync());
      }
      await Promise.all(work);
      const stats = await publish(receiver, ...all);
      assert.equal(stats.newChunks, 60);
      assert.ok(
        !store
          .reader(A)
          .has(KIND.chunk, ids(...all))
          .includes(0),
      );
      assert.equal(store.reader(A).has(KIND.chunk, ids(60))[0], 0, 'nothing needs it');
      assert.deepEqual(heldIds(receiver), sorted(60));
    });

    it('publishes what was marked before, and accepted after, another publishing', async () => {
      await using receiver = await store.receiver(A, 'up');
      await receiver.addBlock(block(1, 2));
      receiver.need(KIND.chunk, ids(1));
      await receiver.publish();
      assert.equal(store.reader(A).has(KIND.chunk, ids(1))[0], 0);
      receiver.accept();
      await receiver.publish();
      assert.deepEqual([...store.reader(A).has(KIND.chunk, ids(1, 2))], [1, 0]);
    });

    it('publishes after a commit that failed', async () => {
      await using receiver = await store.receiver(A, 'up');
      await receiver.addBlock(block(1, 2));
      receiver.need(KIND.chunk, ids(1));
      receiver.accept();
      const fail = (): void => {
        throw new PlaitError('diverged', 'No.');
      };
      await assert.rejects(receiver.publish(fail), codeIs('diverged'));
      await publish(receiver, 1, 2);
      assert.deepEqual([...store.reader(A).has(KIND.chunk, ids(1, 2))], [1, 1]);
    });

    describe('deltas', () => {
      const old = noise(900, 60_000);
      const fresh = [edited(old, 100), edited(old, 30_000), edited(old, 59_000)];
      const names = (targets: Uint8Array[]): string[] => targets.map((bytes) => hex(idOf(bytes)));
      const lackingOf = async (receiver: BlobReceiver, delta: DeltaInput): Promise<string[]> =>
        (await receiver.addDelta(delta)).map(({ id }) => hex(id));

      it('are kept as if they had come whole, base in the volset or in the same upload', async () => {
        await using writer = store.writer(A);
        writer.putObject(KIND.chunk, old);
        await writer.finish();
        const first = await store.receiver(A, 'up');
        const delta = deltaOf({ base: [old], targets: fresh });
        assert.ok(delta.frame.length < 1000);
        assert.deepEqual(await first.addDelta(delta), []);
        assert.deepEqual(await first.addDelta(delta), [], 'again');
        assert.deepEqual([...first.has(KIND.chunk, Buffer.concat(fresh.map(idOf)))], [1, 1, 1]);
        const later = edited(fresh[1], 7);
        const pieces = [fresh[1].subarray(0, 20_000), fresh[1].subarray(20_000)];
        const ranged: BasePiece[] = [
          { kind: 0, id: idOf(fresh[1]), start: 0, length: 20_000 },
          { kind: 0, id: idOf(fresh[1]), start: 20_000, length: 40_000 },
        ];
        assert.deepEqual(await first.addDelta(deltaOf({ base: pieces, targets: [later] }, { base: ranged })), []);
        await first.suspend();

        await using receiver = await store.receiver(A, 'up');
        const wanted = [...fresh, later];
        assert.deepEqual(
          [...receiver.need(KIND.chunk, Buffer.concat(wanted.map(idOf)))],
          wanted.map(() => 60_000),
        );
        const last = edited(later, 40_000);
        assert.deepEqual(await receiver.addDelta(deltaOf({ base: [later], targets: [last] })), []);
        receiver.need(KIND.chunk, idOf(last));
        receiver.accept();
        await receiver.publish();
        for (const bytes of [...wanted, last])
          assert.deepEqual(Buffer.from(store.reader(A).readObject(KIND.chunk, idOf(bytes))), bytes);
      });

      it('of nodes can be read at once', async () => {
        await using receiver = await store.receiver(A, 'up');
        await receiver.addBlock(blockOf(KIND.node, [old]));
        assert.deepEqual(await receiver.addDelta(deltaOf({ kind: 1, base: [old], targets: fresh })), []);
        for (const bytes of fresh) {
          const id = hex(objectHash(KIND.node, bytes)) as NodeId;
          assert.deepEqual(Buffer.from(receiver.nodes.readNode(id)), bytes);
        }
        assert.equal([...receiver.heldIds(KIND.node)].length, 4);
      });

      it('lack what has no base, or another than the sender has, or other bytes than its id', async () => {
        await using receiver = await store.receiver(B, 'up');
        const delta = deltaOf({ base: [old], targets: fresh });
        assert.deepEqual(await lackingOf(receiver, delta), names(fresh));
        await receiver.addBlock(blockOf(KIND.chunk, [old, chunk(1)]));
        const short: BasePiece[] = [{ kind: 0, id: idOf(chunk(1)), start: 1, length: 5000 }];
        assert.deepEqual(await lackingOf(receiver, { ...delta, base: short }), names(fresh));
        const other: BasePiece[] = [{ kind: 0, id: idOf(chunk(1)), start: 0, length: 5000 }];
        assert.deepEqual(await lackingOf(receiver, { ...delta, base: other }), names(fresh));
        const lie = edited(old, 777);
        const targets = [delta.targets[0], { id: idOf(lie), length: 60_000 }, delta.targets[2]];
        assert.deepEqual(await lackingOf(receiver, { ...delta, targets }), names([lie]));
        assert.deepEqual([...receiver.has(KIND.chunk, Buffer.concat(fresh.map(idOf)))], [1, 0, 1]);
        assert.deepEqual(await receiver.addDelta(delta), []);
      });

      it('are refused where they break the format or a limit', async () => {
        await using receiver = await store.receiver(A, 'up');
        await receiver.addBlock(blockOf(KIND.chunk, [old]));
        const delta = deltaOf({ base: [old], targets: fresh });
        const [piece] = delta.base;
        const skippable = Buffer.from('502a4d1804000000deadbeef', 'hex');
        const params = { [constants.ZSTD_c_contentSizeFlag]: 0 };
        const window = zstdCompressSync(Buffer.concat(fresh), { params });
        window[5] = 0xff;
        const broken: Partial<DeltaInput>[] = [
          { frame: Buffer.concat([delta.frame, Buffer.of(0)]) },
          { frame: Buffer.concat([delta.frame, delta.frame]) },
          { frame: Buffer.concat([delta.frame, skippable]) },
          { frame: Buffer.concat([skippable, delta.frame]) },
          { frame: delta.frame.subarray(0, delta.frame.length - 1) },
          { frame: Buffer.alloc(0) },
          { frame: window },
          { frame: zstdCompressSync(old, { pledgedSrcSize: old.length }) },
          { frame: Buffer.concat([delta.frame, Buffer.alloc(180_001 - delta.frame.length)]) },
          { targets: [] },
          { targets: delta.targets.map(({ id }) => ({ id, length: 0 })) },
          { targets: delta.targets.map(({ id }) => ({ id, length: 262_145 })) },
          { targets: delta.targets.map(({ id }) => ({ id: id.subarray(1), length: 60_000 })) },
          { targets: Array.from({ length: 4097 }, () => ({ id: delta.targets[0].id, length: 1 })) },
          { targets: Array.from({ length: 18 }, () => delta.targets[0]) },
          { base: [] },
          { base: Array.from({ length: 4097 }, () => ({ ...piece, length: 1 })) },
          { base: Array.from({ length: 18 }, () => piece) },
          { base: [{ ...piece, start: -1 }] },
          { base: [{ ...piece, start: 0.5 }] },
          { base: [{ ...piece, start: 262_100, length: 100 }] },
          { base: [{ ...piece, length: 0 }] },
          { base: [{ ...piece, kind: 2 }] },
          { base: [{ ...piece, id: piece.id.subarray(1) }] },
          { kind: 2 as 0 },
        ];
        for (const [n, change] of broken.entries())
          await assert.rejects(receiver.addDelta({ ...delta, ...change }), codeIs('protocol'), `case ${n}`);
        assert.deepEqual(await receiver.addDelta(delta), [], 'and it goes on');
      });

      it('may build on one that is still under way', async () => {
        await using receiver = await store.receiver(A, 'up');
        await receiver.addBlock(blockOf(KIND.chunk, [old]));
        // Some of it on the calling thread, the rest on workers.
        const chain = [old];
        for (let n = 1; n <= 40; n++) chain.push(edited(chain[n - 1], n * 1000));
        const deltas = chain.slice(1).map((bytes, n) => deltaOf({ base: [chain[n]], targets: [bytes] }));
        const lacking = await Promise.all(deltas.map((delta) => receiver.addDelta(delta)));
        assert.deepEqual(lacking.flat(), []);
        const gone = edited(old, 3);
        const unknown = edited(gone, 55_555);
        const next = edited(unknown, 50_000);
        const failing = await Promise.all([
          lackingOf(receiver, deltaOf({ base: [gone], targets: [unknown] })),
          lackingOf(receiver, deltaOf({ base: [unknown], targets: [next] })),
        ]);
        assert.deepEqual(failing, [names([unknown]), names([next])]);
        receiver.need(KIND.chunk, Buffer.concat(chain.map(idOf)));
        receiver.accept();
        await receiver.publish();
        for (const bytes of chain)
          assert.deepEqual(Buffer.from(store.reader(A).readObject(KIND.chunk, idOf(bytes))), bytes);
      });

      it('may come many at once', async () => {
        await using receiver = await store.receiver(A, 'up');
        await receiver.addBlock(blockOf(KIND.chunk, [old]));
        const many = Array.from({ length: 120 }, (_, n) => edited(old, n * 100));
        const lacking = await Promise.all(
          many.map((bytes) => receiver.addDelta(deltaOf({ base: [old], targets: [bytes] }))),
        );
        assert.deepEqual(lacking.flat(), []);
        await receiver.sync();
        receiver.need(KIND.chunk, Buffer.concat(many.map(idOf)));
        receiver.accept();
        assert.equal((await receiver.publish()).newChunks, 120);
      });
    });

    it('deals blocks out to shares: each object to one, the same whenever asked', async () => {
      const seeds = Array.from({ length: 40 }, (_, n) => n);
      for (const from of [0, 10, 20, 30]) {
        await using writer = store.writer(A);
        for (const seed of seeds.slice(from, from + 10)) writer.putObject(KIND.chunk, chunk(seed));
        await writer.finish();
      }
      const wanted = seeds.filter((n) => n % 3 > 0 || n > 25).map((n): ObjectRef => ({ kind: 0, id: ids(n) }));
      const once = async (index: number, of: number, refs: ObjectRef[]): Promise<string[]> => {
        await using receiver = await store.receiver(B, `share-${index}-${of}`);
        for await (const bytes of store.reader(A).blocks(refs, { index, of })) await receiver.addBlock(bytes);
        return heldIds(receiver);
      };
      for (const count of [1, 2, 3, 7]) {
        const shares: string[][] = [];
        for (let index = 0; index < count; index++) shares.push(await once(index, count, wanted));
        const all = shares.flat();
        assert.equal(new Set(all).size, all.length, 'none twice');
        for (const { id } of wanted) assert.ok(all.includes(hex(id)));
        assert.deepEqual(await once(0, count, [...wanted].reverse()), shares[0]);
      }
    });
  });
}
