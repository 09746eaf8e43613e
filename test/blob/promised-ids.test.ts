import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rowsOfPack } from '../../src/blob/index-rows.ts';
import type { PackedBlock } from '../../src/blob/pack-directory.ts';
import { PromisedIds } from '../../src/blob/scratch.ts';
import { chunkId, hex, KIND, unhex } from '../../src/core/hash.ts';

const id = (n: number): Buffer => unhex(chunkId(Buffer.from(`${n}`)));

describe('promised ids', () => {
  it('are known in memory and when they have gone to disk, each under its kind', () => {
    const dir = mkdtempSync(join(tmpdir(), 'promised-'));
    const promised = new PromisedIds(dir, 100);
    try {
      for (let n = 0; n < 1050; n++) assert.equal(promised.add(KIND.chunk, id(n)), true);
      for (let n = 0; n < 1050; n++) assert.equal(promised.add(KIND.chunk, id(n)), false);
      for (let n = 1050; n < 2000; n++) assert.equal(promised.has(KIND.chunk, id(n)), false);
      assert.equal(promised.has(KIND.node, id(1)), false);
      assert.equal(promised.add(KIND.node, id(1)), true);
    } finally {
      promised.close();
      rmSync(dir, { recursive: true });
    }
  });
});

describe('rows of a pack', () => {
  it('are in key order, also where ids begin alike', () => {
    const ids = ['ff', '80', '7f', '00'].flatMap((end) => [`${'ab'.repeat(31)}${end}`, `${end}${'cd'.repeat(31)}`]);
    const blocks = [KIND.node, KIND.chunk].map((kind) => {
      const table = Buffer.alloc(ids.length * 36);
      for (const [n, name] of ids.entries()) table.set(unhex(name), n * 36 + 4);
      const offsets = Uint32Array.from({ length: ids.length + 1 }, (_, n) => n * 10);
      return { kind, table, offsets, count: ids.length, offset: 32 } as unknown as PackedBlock;
    });
    const keys = rowsOfPack(blocks).map((row) => `${row.kind} ${hex(row.id)}`);
    assert.deepEqual(
      keys,
      [KIND.chunk, KIND.node].flatMap((kind) => [...ids].sort().map((name) => `${kind} ${name}`)),
    );
  });
});
