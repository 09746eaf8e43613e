import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptBlock } from '../../src/blob/block.ts';
import { memoryOf, WeightedCache } from '../../src/blob/caches.ts';
import { PresentIds } from '../../src/blob/scratch.ts';
import { chunkId, hex, KIND, type Kind, unhex } from '../../src/core/hash.ts';
import { blockOf } from '../conformance/block-of.ts';
import { noise } from './noise.ts';

describe('caches: what they keep alive', () => {
  it('weighs all of the memory that a view is a piece of', () => {
    const cache = new WeightedCache<Uint8Array>(3 * 1024 * 1024, memoryOf);
    for (let n = 0; n < 10; n++) cache.set(`${n}`, new Uint8Array(1024 * 1024).subarray(10, 20));
    const kept = Array.from({ length: 10 }, (_, n) => n).filter((n) => cache.get(`${n}`) !== undefined);
    assert.deepEqual(kept, [8, 9]);
  });

  it('a block that is kept leaves nothing of its encoded bytes behind, unless they are the objects themselves', () => {
    const noises = [1, 2, 3].map((n) => noise(n, 150_000));
    const texts = noises.map((bytes) => Buffer.from(bytes.toString('hex').slice(0, 150_000)));
    for (const objects of [texts, noises, [Buffer.from('small')]]) {
      // As read from a file: memory of its own.
      const encoded = Buffer.from(new Uint8Array(blockOf(KIND.chunk, objects)).buffer);
      const length = encoded.length;
      const { kind, raw } = keptBlock(encoded);
      assert.equal(kind, KIND.chunk);
      const all = Buffer.concat(objects);
      assert.deepEqual(Buffer.from(raw), all);
      assert.ok(memoryOf(raw) < all.length + 1000, `${memoryOf(raw)} bytes for ${all.length}`);
      assert.equal(encoded.length, objects === texts ? 0 : length);
    }
  });
});

describe('ids taken as present', () => {
  for (const count of [0, 1, 31, 32, 33, 128, 129, 2048, 2049, 5000]) {
    it(`come back, each under its kind: ${count}`, () => {
      const dir = mkdtempSync(join(tmpdir(), 'present-'));
      const present = new PresentIds(dir);
      try {
        const wanted: string[] = [];
        for (let n = 0; n < count; n++) {
          const [kind, id] = [(n % 2) as Kind, chunkId(Buffer.from(`${n}`))];
          present.add(kind, unhex(id));
          wanted.push(`${kind}${id}`);
        }
        const found: string[] = [];
        for (const { kind, ids } of present.batches())
          for (let at = 0; at < ids.length; at += 32) found.push(`${kind}${hex(ids.subarray(at, at + 32))}`);
        assert.deepEqual(found.sort(), wanted.sort());
      } finally {
        present.close();
        rmSync(dir, { recursive: true });
      }
    });
  }
});
