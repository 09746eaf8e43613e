import assert from 'node:assert/strict';
import fc from 'fast-check';
import { IdSet } from '../../src/transfer/id-set.ts';

const idOf = (n: number): Uint8Array => {
  const id = Buffer.alloc(32);
  // Few distinct first words: as if someone had chosen ids that collide.
  id.writeUInt32LE(n % 5, 0);
  id.writeUInt32LE(n, 4);
  return id;
};

describe('transfer: id set', () => {
  it('behaves as a set', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3000), { maxLength: 8000 }), (numbers) => {
        const [set, model] = [new IdSet(), new Set<number>()];
        for (const n of numbers) {
          assert.equal(set.add(idOf(n)), !model.has(n));
          model.add(n);
        }
        assert.equal(set.size, model.size);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps all of many, the all-zero id included', () => {
    const set = new IdSet();
    for (let n = 0; n < 20_000; n++) assert.ok(set.add(idOf(n)));
    for (let n = 0; n < 20_000; n++) assert.ok(!set.add(idOf(n)));
    assert.ok(new IdSet().add(Buffer.alloc(32)));
  });

  it('forgets all beyond its limit', () => {
    const set = new IdSet(100);
    for (let n = 0; n < 101; n++) set.add(idOf(n));
    assert.equal(set.size, 0);
    assert.ok(set.add(idOf(1)));
  });
});
