/** What every blob engine must do. Run it with a function that opens an empty store. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { idAt, objectAt, openBlock, verifyObjects } from '../../src/blob/block.ts';
import { BlockBuilder } from '../../src/blob/block-builder.ts';
import type { BlobStore, ObjectRef } from '../../src/blob/contract.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { encodeExtents } from '../../src/core/extents.ts';
import { hex, KIND, type Kind, objectHash, unhex } from '../../src/core/hash.ts';
import type { NodeId, VolsetId } from '../../src/core/ids.ts';
import { keyOfText } from '../../src/core/paths.ts';
import { fileStat } from '../../src/disk/file-stat.ts';
import { noise } from '../blob/noise.ts';
import { blockOf } from './block-of.ts';

export interface OpenedStore {
  store: BlobStore;
  close: () => Promise<void>;
}

const A = 'a'.repeat(32) as VolsetId;
const B = 'b'.repeat(32) as VolsetId;
const text = (value: string): Buffer => Buffer.from(value);
const codeIs = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const join = (pieces: Iterable<Uint8Array>): Buffer => Buffer.concat([...pieces]);

export function blobConformance(name: string, open: () => Promise<OpenedStore>): void {
  describe(`blob engine: ${name}`, () => {
    let store: BlobStore;
    let close: () => Promise<void>;
    beforeEach(async () => ({ store, close } = await open()));
    afterEach(() => close());

    const write = async (volset: VolsetId, objects: [Kind, Uint8Array][]): Promise<Uint8Array[]> => {
      await using writer = store.writer(volset);
      const ids = objects.map(([kind, bytes]) => writer.putObject(kind, bytes));
      await writer.finish();
      return ids;
    };

    it('gives back any set of objects, of every kind', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom<Kind>(0, 1, 2, 3), fc.uint8Array({ minLength: 1, maxLength: 3000 })), {
            maxLength: 40,
          }),
          async (objects) => {
            const ids = await write(A, objects);
            const reader = store.reader(A);
            objects.forEach(([kind, bytes], n) => {
              assert.deepEqual(Buffer.from(ids[n]), objectHash(kind, bytes));
              assert.deepEqual(Buffer.from(reader.readObject(kind, ids[n])), Buffer.from(bytes));
              assert.deepEqual(reader.has(kind, ids[n]), Uint8Array.of(1));
            });
          },
        ),
        { numRuns: 25 },
      ));

    it('gives back bytes of any length, holes included', async () => {
      const zeros = Buffer.alloc(700_000);
      const samples = [
        Buffer.alloc(0),
        text('x'),
        noise(1, 16_384),
        noise(2, 5_000_000),
        zeros,
        Buffer.concat([noise(3, 300_000), zeros, noise(4, 10)]),
        noise(5, 12_000_000),
      ];
      await using writer = store.writer(A);
      const contents = samples.map((sample) => writer.putBytes(sample));
      await writer.finish();
      const reader = store.reader(A);
      samples.forEach((sample, n) => {
        const pieces = [...reader.readFile(contents[n])];
        assert.ok(pieces.every((piece) => piece.length <= 262_144));
        assert.ok(join(pieces).equals(sample), `sample ${n}`);
        let length = 0;
        for (const extent of reader.extents(contents[n])) length += extent.length;
        assert.equal(length, sample.length);
      });
    });

    it('keeps volsets apart, and kinds', async () => {
      const [id] = await write(A, [[KIND.chunk, text('only in A')]]);
      assert.deepEqual(store.reader(B).has(KIND.chunk, id), Uint8Array.of(0));
      assert.deepEqual(store.reader(A).has(KIND.node, id), Uint8Array.of(0));
      assert.throws(() => store.reader(B).readObject(KIND.chunk, id), codeIs('blob-absent'));
      assert.throws(() => store.reader(A).readNode(hex(id) as NodeId), codeIs('blob-absent'));
    });

    it('shows nothing of a writer that did not finish', async () => {
      const id = objectHash(KIND.chunk, text('given up'));
      {
        await using writer = store.writer(A);
        writer.putObject(KIND.chunk, text('given up'));
        assert.deepEqual(store.reader(A).has(KIND.chunk, id), Uint8Array.of(0));
      }
      assert.deepEqual(store.reader(A).has(KIND.chunk, id), Uint8Array.of(0));
    });

    it('refuses to write after it was closed', async () => {
      const writer = store.writer(A);
      await writer[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      assert.throws(() => writer.putObject(KIND.chunk, text('late')), codeIs('unexpected'));
    });

    it('commits after the objects are there and before finish has returned', async () => {
      await using writer = store.writer(A);
      const id = writer.putObject(KIND.snapshot, text('{"body":1}'));
      const seen: number[] = [];
      await writer.finish(async () => {
        seen.push(store.reader(A).has(KIND.snapshot, id)[0]);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(2);
      });
      assert.deepEqual(seen, [1, 2]);
    });

    it('runs one commit at a time', async () => {
      const order: string[] = [];
      const one = async (label: string): Promise<void> => {
        await using writer = store.writer(A);
        writer.putObject(KIND.chunk, text(label));
        await writer.finish(async () => {
          order.push(`${label} begins`);
          await new Promise((resolve) => setImmediate(resolve));
          order.push(`${label} ends`);
        });
      };
      await Promise.all(['a', 'b', 'c'].map(one));
      for (let n = 0; n < order.length; n += 2) assert.equal(order[n].replace('begins', 'ends'), order[n + 1]);
    });

    it('fails when the commit fails, and works again after it', async () => {
      await using writer = store.writer(A);
      writer.putObject(KIND.chunk, text('first try'));
      await assert.rejects(
        writer.finish(() => {
          throw new PlaitError('diverged', 'No.');
        }),
        codeIs('diverged'),
      );
      const [id] = await write(A, [[KIND.chunk, text('first try')]]);
      assert.deepEqual(Buffer.from(store.reader(A).readObject(KIND.chunk, id)), text('first try'));
    });

    it('counts what is new, once', async () => {
      const bytes = noise(6, 400_000);
      const first = store.writer(A);
      first.putBytes(bytes);
      first.putBytes(bytes);
      const stats = await first.finish();
      assert.equal(stats.addedBytes, bytes.length);
      assert.ok(stats.newChunks > 1 && stats.storedBytes > 0);
      await first[Symbol.asyncDispose]();
      await using again = store.writer(A);
      again.putBytes(bytes);
      assert.deepEqual(await again.finish(), { newChunks: 0, addedBytes: 0, storedBytes: 0 });
    });

    it('computes contents and stores nothing in a dry run', async () => {
      const bytes = noise(7, 900_000);
      await using dry = store.writer(A, { dryRun: true });
      const content = dry.putBytes(bytes);
      let committed = false;
      await dry.finish(() => {
        committed = true;
      });
      assert.equal(committed, false);
      assert.throws(() => join(store.reader(A).readFile(content)), codeIs('blob-absent'));
      await using real = store.writer(A);
      assert.deepEqual(real.putBytes(bytes), content);
    });

    it('refuses objects of impossible sizes', async () => {
      await using writer = store.writer(A);
      assert.throws(() => writer.putObject(KIND.chunk, Buffer.alloc(0)), codeIs('unexpected'));
      assert.throws(() => writer.putObject(KIND.chunk, Buffer.alloc(262_145)), codeIs('unexpected'));
    });

    it('ingests files and extracts them again', async () => {
      const root = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-blob-'));
      try {
        await ingestAndExtract(store, root);
      } finally {
        fs.rmSync(root, { recursive: true, force: true });
      }
    });

    it('sends wanted objects in blocks, each once, and nothing absent', async () => {
      const objects = Array.from({ length: 300 }, (_, n): [Kind, Uint8Array] => [
        n % 3 === 0 ? KIND.node : KIND.chunk,
        noise(n, 10_000),
      ]);
      const ids = await write(A, objects);
      const wanted = ids
        .map((id, n): ObjectRef => ({ kind: objects[n][0], id }))
        .filter((_, n) => n % 7 === 1 || n > 200);
      const sent = await sentBy(store, A, wanted);
      for (const { kind, id } of wanted) assert.equal(sent.get(kind + hex(id)), 1, 'each wanted object comes once');
      await assert.rejects(sentBy(store, A, [{ kind: KIND.chunk, id: Buffer.alloc(32) }]), codeIs('blob-absent'));
      await assert.rejects(sentBy(store, B, wanted), codeIs('blob-absent'));
      assert.ok(store.reader(A).storedBytes(wanted) > 0);
      assert.equal(store.reader(A).storedBytes([]), 0);
    });

    it('receives blocks, hides them until published, then keeps them', async () => {
      const objects: [Kind, Uint8Array][] = [
        [KIND.node, text('a node')],
        [KIND.chunk, noise(8, 50_000)],
      ];
      const ids = await write(A, objects);
      const refs = ids.map((id, n) => ({ kind: objects[n][0], id }));
      await using receiver = await store.receiver(B, 'upload-1');
      for await (const block of store.reader(A).blocks(refs)) await receiver.addBlock(block);
      assert.deepEqual(receiver.has(KIND.node, ids[0]), Uint8Array.of(1));
      assert.deepEqual(Buffer.from(receiver.nodes.readNode(hex(ids[0]) as NodeId)), text('a node'));
      assert.deepEqual(store.reader(B).has(KIND.node, ids[0]), Uint8Array.of(0));
      for (const { kind, id } of refs) receiver.need(kind, id);
      receiver.accept();
      let seen = 0;
      await receiver.publish(() => {
        seen = store.reader(B).has(KIND.chunk, ids[1])[0];
      });
      assert.equal(seen, 1);
      assert.deepEqual(Buffer.from(store.reader(B).readObject(KIND.chunk, ids[1])), Buffer.from(objects[1][1]));
      assert.deepEqual(Buffer.from(receiver.nodes.readNode(hex(ids[0]) as NodeId)), text('a node'));
    });

    it('forgets what was received and not published', async () => {
      const block = blockOf(KIND.chunk, [text('never published')]);
      {
        await using receiver = await store.receiver(A, 'upload-2');
        await receiver.addBlock(block);
        await receiver.addBlock(block);
      }
      await using again = await store.receiver(A, 'upload-2');
      assert.deepEqual(again.has(KIND.chunk, objectHash(KIND.chunk, text('never published'))), Uint8Array.of(0));
    });

    it('refuses wrong blocks and goes on', async () => {
      await using receiver = await store.receiver(A, 'upload-3');
      const good = blockOf(KIND.chunk, [text('good')]);
      const lie = new BlockBuilder(KIND.chunk);
      lie.add(objectHash(KIND.chunk, text('another')), text('bytes'));
      await assert.rejects(receiver.addBlock(lie.encode()), codeIs('integrity'));
      await assert.rejects(receiver.addBlock(good.subarray(0, good.length - 1)), codeIs('protocol'));
      await assert.rejects(receiver.addBlock(text('nonsense')), codeIs('protocol'));
      await receiver.addBlock(good);
      for (const bytes of ['good', 'bytes']) receiver.need(KIND.chunk, objectHash(KIND.chunk, text(bytes)));
      receiver.accept();
      await receiver.publish();
      assert.deepEqual(store.reader(A).has(KIND.chunk, objectHash(KIND.chunk, text('good'))), Uint8Array.of(1));
      assert.deepEqual(store.reader(A).has(KIND.chunk, objectHash(KIND.chunk, text('bytes'))), Uint8Array.of(0));
    });

    it('publishes what a snapshot needs and nothing else, and what a later one needs too', async () => {
      const objects = Array.from({ length: 9 }, (_, n) => noise(20 + n, 5000));
      const ids = objects.map((bytes) => objectHash(KIND.chunk, bytes));
      const some = (...numbers: number[]): Buffer => Buffer.concat(numbers.map((n) => ids[n]));
      const here = (): number[] => [...store.reader(A).has(KIND.chunk, Buffer.concat(ids))];
      await using receiver = await store.receiver(A, 'upload-4');
      await receiver.addBlock(blockOf(KIND.chunk, objects.slice(0, 6)));
      await receiver.addBlock(blockOf(KIND.chunk, objects.slice(6, 8)));
      assert.deepEqual([...receiver.need(KIND.chunk, some(1, 8, 3, 1))], [5000, 0, 5000, 5000]);
      await receiver.publish();
      assert.deepEqual(here(), [0, 0, 0, 0, 0, 0, 0, 0, 0], 'nothing was accepted yet');
      receiver.accept();
      receiver.need(KIND.chunk, some(2));
      const first = await receiver.publish();
      assert.deepEqual(here(), [0, 1, 0, 1, 0, 0, 0, 0, 0]);
      assert.deepEqual([first.newChunks, first.addedBytes], [2, 10_000]);
      assert.deepEqual([...receiver.has(KIND.chunk, some(0, 1, 7, 8))], [1, 1, 1, 0], 'the rest need not come again');

      await receiver.addBlock(blockOf(KIND.chunk, [objects[8], objects[0]]));
      assert.deepEqual([...receiver.need(KIND.chunk, some(0, 7, 8))], [5000, 5000, 5000]);
      receiver.accept();
      const second = await receiver.publish();
      assert.deepEqual(here(), [1, 1, 1, 1, 0, 0, 0, 1, 1]);
      assert.deepEqual([second.newChunks, second.addedBytes], [6, 30_000]);
      for (const n of [0, 1, 2, 3, 7, 8])
        assert.deepEqual(Buffer.from(store.reader(A).readObject(KIND.chunk, ids[n])), objects[n]);
    });

    it('reads a node that was received before, published or not', async () => {
      const nodes = [text('node one'), text('node two')];
      const [one, two] = nodes.map((bytes) => objectHash(KIND.node, bytes));
      await using receiver = await store.receiver(A, 'upload-5');
      await receiver.addBlock(blockOf(KIND.node, nodes));
      receiver.need(KIND.node, one);
      receiver.accept();
      await receiver.publish();
      assert.throws(() => store.reader(A).readNode(hex(two) as NodeId), codeIs('blob-absent'));
      assert.deepEqual(Buffer.from(receiver.nodes.readNode(hex(two) as NodeId)), nodes[1]);
    });

    it('refuses generations in blocks: they come another way, and are checked there', async () => {
      await using receiver = await store.receiver(A, 'upload-6');
      await assert.rejects(receiver.addBlock(blockOf(KIND.generation, [text('{}')])), codeIs('protocol'));
    });

    it('tells the lengths of what it holds', async () => {
      const [id] = await write(A, [[KIND.chunk, text('twelve bytes')]]);
      const ids = Buffer.concat([id, unhex('0'.repeat(64))]);
      assert.deepEqual([...store.reader(A).lengths(KIND.chunk, ids)], [12, 0]);
      assert.deepEqual([...store.reader(B).lengths(KIND.chunk, ids)], [0, 0]);
      assert.deepEqual([...store.reader(A).lengths(KIND.node, ids)], [0, 0]);
    });

    it('writes nothing of a file whose extents name a wrong length', async () => {
      const bytes = noise(40, 20_000);
      const [id] = await write(A, [[KIND.chunk, bytes]]);
      const root = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-blob-'));
      const [to, temp] = ['to', 'temp'].map((name) => path.join(root, name));
      for (const dir of [to, temp]) fs.mkdirSync(dir);
      try {
        for (const length of [19_999, 20_001]) {
          const content = { extents: encodeExtents([{ length, id }]) };
          assert.throws(() => [...store.reader(A).readFile(content)], codeIs('integrity'));
          const target = { path: keyOfText('f'), content, size: length, mode: 0o600, mtime: 1n };
          const [result] = await Array.fromAsync(store.reader(A).extract(to, temp, [target]));
          assert.equal(result.status, 'failed');
          assert.deepEqual([...fs.readdirSync(to), ...fs.readdirSync(temp)], []);
        }
      } finally {
        fs.rmSync(root, { recursive: true, force: true });
      }
    });

    it('refuses upload ids that could be paths', async () => {
      for (const id of ['../x', '', 'a/b', '.', 'x'.repeat(65)]) {
        await assert.rejects(store.receiver(A, id), codeIs('protocol'));
      }
    });

    it('keeps a log of generations that can be listed', async () => {
      await store.appendLog(A, [text('generation 1'), text('generation 2')]);
      await store.appendLog(B, [text('of B')]);
      await store.appendLog(A, [text('generation 3')]);
      await write(A, [
        [KIND.generation, text('packed')],
        [KIND.snapshot, text('body')],
      ]);
      const found: string[] = [];
      for await (const { volset, id, bytes } of store.scanObjects(KIND.generation, A)) {
        assert.equal(volset, A);
        assert.deepEqual(Buffer.from(id), objectHash(KIND.generation, bytes));
        found.push(Buffer.from(bytes).toString());
      }
      assert.deepEqual(found.sort(), ['generation 1', 'generation 2', 'generation 3', 'packed']);
      let all = 0;
      for await (const _ of store.scanObjects(KIND.generation)) all++;
      assert.equal(all, 5);
    });

    it('lends objects to another volset without giving it the rest of a block', async () => {
      const ids = await write(A, [
        [KIND.chunk, text('lent')],
        [KIND.chunk, text('a secret')],
      ]);
      const refs = [{ kind: KIND.chunk, id: ids[0] }];
      assert.equal(await store.borrow(A, B, [...refs, { kind: KIND.chunk, id: unhex('0'.repeat(64)) }]), 1);
      assert.deepEqual(Buffer.from(store.reader(B).readObject(KIND.chunk, ids[0])), text('lent'));
      assert.deepEqual(store.reader(B).has(KIND.chunk, ids[1]), Uint8Array.of(0));
      assert.deepEqual([...(await sentBy(store, B, refs)).keys()], [KIND.chunk + hex(ids[0])]);
    });

    it('finds no damage in what it wrote, and its index made again is the same', async () => {
      const ids = await write(
        A,
        Array.from({ length: 50 }, (_, n): [Kind, Uint8Array] => [KIND.chunk, noise(n, 2000)]),
      );
      for await (const damage of store.verifyPacks({ readData: true })) assert.fail(damage.what);
      const { objects } = await store.rebuildIndex();
      assert.equal(objects, 50);
      assert.deepEqual(store.reader(A).has(KIND.chunk, Buffer.concat(ids)), new Uint8Array(50).fill(1));
    });
  });
}

/** How often each object came, by kind digit and hex id; every block is checked in full. */
async function sentBy(store: BlobStore, volset: VolsetId, wanted: ObjectRef[]): Promise<Map<string, number>> {
  const sent = new Map<string, number>();
  for await (const bytes of store.reader(volset).blocks(wanted)) {
    const block = openBlock(bytes);
    verifyObjects(block);
    for (let n = 0; n < block.count; n++) {
      assert.ok(objectAt(block, n).length > 0);
      const key = block.kind + hex(idAt(block, n));
      sent.set(key, (sent.get(key) ?? 0) + 1);
    }
  }
  return sent;
}

async function ingestAndExtract(store: BlobStore, root: string): Promise<void> {
  const [from, to, temp] = ['from', 'to', 'temp'].map((name) => path.join(root, name));
  for (const dir of [from, to, temp]) fs.mkdirSync(dir);
  const files: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    small: text('hello'),
    twin: text('hello'),
    large: noise(9, 3_000_000),
    sparse: Buffer.concat([text('x'), Buffer.alloc(900_000)]),
  };
  const names = Object.keys(files);
  for (const name of names) fs.writeFileSync(path.join(from, name), files[name]);
  const sources = names.map((name) => ({
    path: keyOfText(name),
    stat: fileStat(fs.lstatSync(path.join(from, name), { bigint: true })),
  }));
  sources.push({ ...sources[0], path: keyOfText('gone') });
  await using writer = store.writer(A);
  const stored = await Array.fromAsync(writer.ingest(from, sources));
  assert.deepEqual(
    stored.map((file) => file.path),
    sources.map((source) => source.path),
    'in the order asked for',
  );
  assert.equal(stored.pop()?.status, 'vanished');
  await writer.finish();
  const targets = stored.map((file) => {
    assert.ok(file.status === 'stored');
    return { path: file.path, content: file.content, size: file.stat.size, mode: 0o640, mtime: 1_000_000_000n };
  });
  for await (const result of store.reader(A).extract(to, temp, targets)) assert.equal(result.status, 'written');
  for (const name of names) {
    assert.ok(fs.readFileSync(path.join(to, name)).equals(files[name]), name);
    assert.equal(fs.statSync(path.join(to, name)).mode & 0o7777, 0o640);
  }
  assert.deepEqual(fs.readdirSync(temp), []);
}
