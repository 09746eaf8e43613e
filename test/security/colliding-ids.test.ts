/** Class 11, quadratic work: ids that a peer chose so that they would all go to one place of a hash table. */
import assert from 'node:assert/strict';
import { IdSet } from '../../src/blob/id-set.ts';
import { HeldPrefixes } from '../../src/transfer/held-prefixes.ts';
import { IdSet as SentIds } from '../../src/transfer/id-set.ts';

const IDS = 32_768;
/** Ids that differ only in the bits `from` up to `from + 15` of their first 8 bytes, little- or big-endian. */
function* alike(from: bigint, little: boolean): Generator<Buffer> {
  for (let n = 0; n < IDS; n++) {
    const id = Buffer.alloc(32);
    const word = BigInt.asUintN(64, BigInt(n) << from);
    if (little) id.writeBigUInt64LE(word);
    else id.writeBigUInt64BE(word);
    yield id;
  }
}

const TABLES: Record<string, () => { add(id: Uint8Array): unknown }> = {
  'ids of a receiver': () => new IdSet(),
  'ids that were sent': () => new SentIds(),
  'ids told as held': () => {
    const held = new HeldPrefixes(1 << 20);
    return { add: (id) => held.add(id.subarray(0, 8)) };
  },
};

describe('security: ids that collide', function () {
  // Far from what it takes (a tenth of a second), and from what quadratic work takes (minutes).
  this.timeout(20_000);
  for (const [what, make] of Object.entries(TABLES)) {
    for (const little of [true, false]) {
      it(`${what}, ${little ? 'little' : 'big'}-endian patterns`, () => {
        for (const from of [0n, 32n, 49n]) {
          const table = make();
          for (const id of alike(from, little)) table.add(id);
          assert.ok(table);
        }
      });
    }
  }
});
