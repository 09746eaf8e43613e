/** 30 clients push and pull at once; test/soak/clients.test.ts has 200, and longer. */
import assert from 'node:assert/strict';
import { most } from './hub-memory.ts';
import { crowd } from './many-load.ts';

describe('hub: a crowd that pushes and pulls', () => {
  it('30 clients, of which some are cut and come back, and the program itself: all arrives, whole', async function () {
    this.timeout(300_000);
    const { cuts, refused, memory, left } = await crowd({
      clients: 30,
      sharing: 3,
      cutEvery: 5,
      rounds: 2,
      processes: 1,
    });
    assert.ok(cuts > 0, 'somebody was cut');
    assert.equal(refused, 0);
    // Warm or not: nothing of what passes stays.
    const figures = memory.map(({ resident, heap, external }) => `${resident}/${heap}/${external}`).join(' ');
    assert.ok(most(memory, 'resident') < 400, `${figures} MiB`);
    assert.ok(most(memory, 'heap') < 100 && most(memory, 'external') < 120, `${figures} MiB`);
    assert.deepEqual([left.uploads, left.downloads], [0, 0]);
    assert.ok(left.open <= cuts, `${left.open} uploads open after ${cuts} cuts`);
  });
});
