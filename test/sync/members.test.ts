import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { StoreId } from '../../src/core/ids.ts';
import { findStore } from '../../src/sync/members.ts';

const [a, b] = ['3'.repeat(32), `3${'4'.repeat(31)}`];
const stores = [`${a}.1`, `${a}.12`, `${b}.1`] as StoreId[];

describe('sync: a member by the beginning of its id', () => {
  const rows: [string, string, string | string[]][] = [
    ['a whole id, though a later epoch begins with it', `${a}.1`, `${a}.1`],
    ['the later epoch', `${a}.12`, `${a}.12`],
    ['as many digits as set it apart', '34', `${b}.1`],
    ['too few of them', '3', stores],
    ['one install with two epochs', a, [`${a}.1`, `${a}.12`]],
    ['none', '5', 'not-found'],
    ['nothing', '', 'not-found'],
  ];
  for (const [what, prefix, wanted] of rows) {
    it(what, () => {
      if (typeof wanted === 'string' && wanted !== 'not-found') {
        assert.equal(findStore(stores, prefix), wanted);
        return;
      }
      assert.throws(
        () => findStore(stores, prefix),
        (error: PlaitError) =>
          Array.isArray(wanted)
            ? error.code === 'ambiguous-reference' && assert.deepEqual(error.data?.candidates, wanted) === undefined
            : error.code === wanted,
      );
    });
  }
  it('throws errors of plait', () => assert.throws(() => findStore([], 'x'), PlaitError));
});
