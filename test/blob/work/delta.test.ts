import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { idAt, openBlock } from '../../../src/blob/block.ts';
import type { BasePiece, BlobReader, BlobStore, ObjectRef } from '../../../src/blob/contract.ts';
import { decodeDelta } from '../../../src/blob/delta.ts';
import { openMemoryBlobs } from '../../../src/blob/memory-engine.ts';
import { MAX_DELTA_BASE } from '../../../src/core/delta-limits.ts';
import { hex, KIND } from '../../../src/core/hash.ts';
import type { VolsetId } from '../../../src/core/ids.ts';
import { noise } from '../noise.ts';
import { TempStore } from '../temp-store.ts';

const VOLSET = '0123456789abcdef0123456789abcdef' as VolsetId;

async function put(blob: BlobStore, kind: 0 | 1, ...objects: Uint8Array[]): Promise<ObjectRef[]> {
  await using writer = blob.writer(VOLSET);
  const refs = objects.map((bytes) => ({ kind, id: Uint8Array.from(writer.putObject(kind, bytes)) }));
  await writer.finish();
  return refs;
}

const whole = ({ kind, id }: ObjectRef, bytes: Uint8Array): BasePiece => ({ kind, id, start: 0, length: bytes.length });

const changed = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1;
  return copy;
};

const engines: [name: string, open: (temp: TempStore) => Promise<BlobStore>][] = [
  ['disk', (temp) => temp.open({ workers: 2 })],
  ['memory', async () => openMemoryBlobs()],
];

for (const [name, open] of engines) {
  describe(`blob: deltas are encoded (${name})`, () => {
    let temp: TempStore;
    let blob: BlobStore;
    let reader: BlobReader;

    beforeEach(async () => {
      temp = new TempStore();
      blob = await open(temp);
      reader = blob.reader(VOLSET);
    });

    afterEach(async () => {
      await blob[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    });

    for (const kind of [KIND.chunk, KIND.node] as const) {
      it(`${kind === KIND.chunk ? 'chunks' : 'nodes'}: several targets against parts of several objects`, async () => {
        const old = [noise(1, 60_000), noise(2, 40_000)];
        const now = [changed(old[0], 30_000), Buffer.concat([old[1], Buffer.from('more')])];
        const base = await put(blob, kind, ...old);
        const targets = await put(blob, kind, ...now);
        const pieces = [{ ...whole(base[0], old[0]), start: 100, length: 59_900 }, whole(base[1], old[1])];
        const frame = await reader.encodeDelta(targets, pieces);
        assert.ok(frame && frame.length < 400, `${frame?.length} bytes`);
        const dictionary = Buffer.concat([old[0].subarray(100), old[1]]);
        const wanted = targets.map(({ id }, n) => ({ kind, id, length: now[n].length }));
        const decoded = decodeDelta(frame, dictionary, wanted);
        assert.deepEqual(
          decoded.map((bytes) => bytes && hex(bytes)),
          now.map(hex),
        );
        // Another dictionary gives other bytes: the ids tell.
        const wrong = decodeDelta(frame, changed(dictionary, 20_000), wanted);
        assert.equal(wrong[0], undefined);
      });
    }

    it('hundreds at once, each right', async () => {
      const old = Array.from({ length: 300 }, (_, n) => noise(n, 3000));
      const now = old.map((bytes, n) => changed(bytes, n));
      const base = await put(blob, KIND.chunk, ...old);
      const targets = await put(blob, KIND.chunk, ...now);
      const frames = await Promise.all(targets.map((ref, n) => reader.encodeDelta([ref], [whole(base[n], old[n])])));
      for (const [n, frame] of frames.entries()) {
        assert.ok(frame);
        const [bytes] = decodeDelta(frame, old[n], [{ kind: KIND.chunk, id: targets[n].id, length: 3000 }]);
        assert.ok(bytes && now[n].equals(bytes));
      }
    });

    it('gives none where it gains nothing, breaks a limit, or the base looks like a trained dictionary', async () => {
      const trained = Buffer.concat([Buffer.from([0x37, 0xa4, 0x30, 0xec]), noise(3, 5000)]);
      const objects = [trained, Buffer.concat([trained, Buffer.from('x')]), noise(4, 5000), noise(5, 200_000)];
      const [base, target, other, large] = await put(blob, KIND.chunk, ...objects);
      assert.equal(await reader.encodeDelta([target], [whole(base, trained)]), undefined, 'trained');
      assert.equal(await reader.encodeDelta([target], [whole(other, objects[2])]), undefined, 'no gain');
      assert.equal(await reader.encodeDelta([target], []), undefined, 'no base');
      assert.equal(await reader.encodeDelta([], [whole(base, trained)]), undefined, 'no targets');
      const pieces = Array.from({ length: Math.ceil(MAX_DELTA_BASE / 200_000) }, () => whole(large, objects[3]));
      assert.equal(await reader.encodeDelta([large], pieces), undefined, 'too long a base');
      const targets = Array.from({ length: 6 }, () => large);
      assert.equal(await reader.encodeDelta(targets, [whole(large, objects[3])]), undefined, 'too much in a frame');
      // The second byte on, it is a base like any other.
      assert.ok(
        await reader.encodeDelta([target], [{ ...whole(base, trained), start: 1, length: trained.length - 1 }]),
      );
    });

    it('says what is not here', async () => {
      const bytes = noise(1, 5000);
      const [ref] = await put(blob, KIND.chunk, bytes);
      const absent = { kind: KIND.chunk, id: Buffer.alloc(32, 9) };
      await assert.rejects(reader.encodeDelta([absent], [whole(ref, bytes)]), { code: 'blob-absent' });
      await assert.rejects(reader.encodeDelta([ref], [whole(absent, bytes)]), { code: 'blob-absent' });
    });

    it('deals blocks out to shares, each object to one', async () => {
      const objects = Array.from({ length: 200 }, (_, n) => noise(n, 100_000));
      const refs = await put(blob, KIND.chunk, ...objects);
      const dealt: string[][] = [];
      for (let index = 0; index < 3; index++) {
        const ids: string[] = [];
        for await (const bytes of reader.blocks(refs, { index, of: 3 })) {
          const block = openBlock(bytes);
          for (let n = 0; n < block.count; n++) ids.push(hex(idAt(block, n)));
        }
        dealt.push(ids);
      }
      assert.deepEqual(dealt.flat().sort(), refs.map(({ id }) => hex(id)).sort());
      for (const ids of dealt) assert.ok(ids.length > 20, `a share of ${ids.length}`);
    });
  });
}

describe('blob: deltas of damaged packs', () => {
  it('a damaged target or base is told, with the object', async () => {
    await using temp = new TempStore();
    const blob = await temp.open();
    const bytes = noise(1, 50_000);
    const [base, target] = await put(blob, KIND.chunk, bytes, changed(bytes, 9));
    const pack = temp
      .files('packs')
      .map((file) => path.join(temp.dir, file))
      .find((file) => file.endsWith('.pack'));
    assert.ok(pack);
    const content = fs.readFileSync(pack);
    fs.chmodSync(pack, 0o600);
    content[20_000] ^= 1;
    fs.writeFileSync(pack, content);
    await assert.rejects(blob.reader(VOLSET).encodeDelta([target], [whole(base, bytes)]), { code: 'integrity' });
  });
});
