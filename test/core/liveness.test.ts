import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SnapshotId, WriteId } from '../../src/core/ids.ts';
import {
  type Evidence,
  isHeldByTip,
  isVolsetDead,
  type Liveness,
  livenessOf,
  type Precedes,
  unseenHeads,
  unseenTips,
} from '../../src/core/liveness.ts';

const [w1, w2, w3] = ['w1', 'w2', 'w3'] as WriteId[];
/** s1 <- s2 <- s3, and s2b beside s2. */
const [s1, s2, s3, s2b] = ['s1', 's2', 's3', 's2b'] as SnapshotId[];
const ANCESTORS: Record<SnapshotId, SnapshotId[]> = {
  [s1]: [s1],
  [s2]: [s1, s2],
  [s3]: [s1, s2, s3],
  [s2b]: [s1, s2b],
};
const precedes: Precedes = (ancestor, descendant) => ANCESTORS[descendant].includes(ancestor);

describe('core: which snapshots refs keep', () => {
  const rows: [string, SnapshotId[][], boolean][] = [
    ['no branch', [], false],
    ['one that points at it', [[s2]], true],
    ['one past it', [[s3]], false],
    ['one before it', [[s1]], false],
    ['one that is behind where the other side has it', [[s2, s3]], false],
    ['one that parted', [[s2, s2b]], true],
    ['one that both sides have there', [[s2, s2]], true],
    ['another branch that has gone on', [[s2], [s3]], true],
  ];
  for (const [what, branches, held] of rows)
    it(`${what}: ${held ? 'kept' : 'not kept'}`, () => assert.equal(isHeldByTip(s2, branches, precedes), held));
});

describe('core: liveness', () => {
  const rows: [string, Evidence, Liveness][] = [
    ['no tombstone', { tombstones: [], heads: [w1] }, 'alive'],
    ['no tombstone and nothing written', { tombstones: [], heads: [] }, 'alive'],
    ['all heads seen', { tombstones: [{ sees: [w1, w2] }], heads: [w1, w2] }, 'dead'],
    ['one head not seen', { tombstones: [{ sees: [w1] }], heads: [w1, w2] }, 'alive'],
    ['a head that follows what was seen', { tombstones: [{ sees: [w1] }], heads: [w2] }, 'alive'],
    [
      'two tombstones that see all between them',
      { tombstones: [{ sees: [w1] }, { sees: [w2] }], heads: [w1, w2] },
      'dead',
    ],
    ['two tombstones that leave one', { tombstones: [{ sees: [w1] }, { sees: [w2] }], heads: [w1, w2, w3] }, 'alive'],
    [
      'what a policy chose between two that were seen',
      { tombstones: [{ sees: [w1] }, { sees: [w2] }], heads: [w3], chosen: new Map([[w3, [w1, w2]]]) },
      'dead',
    ],
    [
      'what a policy chose between one that was seen and one that was not',
      { tombstones: [{ sees: [w1] }], heads: [w3], chosen: new Map([[w3, [w1, w2]]]) },
      'alive',
    ],
    ['a tip that was seen', { tombstones: [{ sees: [w1], tip: s2 }], heads: [w1], tips: [s2] }, 'dead'],
    ['a tip before the one seen', { tombstones: [{ sees: [w1], tip: s3 }], heads: [w1], tips: [s1, s2] }, 'dead'],
    ['a tip past the one seen', { tombstones: [{ sees: [w1], tip: s2 }], heads: [w1], tips: [s3] }, 'kept-by-ref'],
    ['a tip beside the one seen', { tombstones: [{ sees: [w1], tip: s2 }], heads: [w1], tips: [s2b] }, 'kept-by-ref'],
    ['a tip where none was seen', { tombstones: [{ sees: [w1] }], heads: [w1], tips: [s1] }, 'kept-by-ref'],
    [
      'one tip seen, another not',
      { tombstones: [{ sees: [w1], tip: s2 }], heads: [w1], tips: [s1, s3] },
      'kept-by-ref',
    ],
    [
      'tips of two lines, each seen by one tombstone',
      {
        tombstones: [
          { sees: [w1], tip: s3 },
          { sees: [], tip: s2b },
        ],
        heads: [w1],
        tips: [s3, s2b],
      },
      'dead',
    ],
    ['an unseen tip and an unseen head', { tombstones: [{ sees: [w1], tip: s1 }], heads: [w2], tips: [s3] }, 'alive'],
  ];
  for (const [what, evidence, expected] of rows) {
    it(`${what}: ${expected}`, () => assert.equal(livenessOf(evidence, precedes), expected));
  }
  it('names what keeps it', () => {
    const evidence = { tombstones: [{ sees: [w1], tip: s2 }], heads: [w1, w3], tips: [s1, s3, s2b] };
    assert.deepEqual(unseenHeads(evidence), [w3]);
    assert.deepEqual(unseenTips(evidence, precedes), [s3, s2b]);
  });
  const volsets: [string, Evidence, number, boolean][] = [
    ['covered, no branch alive', { tombstones: [{ sees: [w1] }], heads: [w1] }, 0, true],
    ['covered, one branch alive', { tombstones: [{ sees: [w1] }], heads: [w1] }, 1, false],
    ['not covered', { tombstones: [{ sees: [w1] }], heads: [w2] }, 0, false],
    ['never deleted, no branch', { tombstones: [], heads: [w1] }, 0, false],
  ];
  for (const [what, own, branches, expected] of volsets) {
    it(`a volset ${what}: ${expected ? 'dead' : 'alive'}`, () => assert.equal(isVolsetDead(own, branches), expected));
  }
  it('a further tombstone never brings back, a further write never deletes', () => {
    const ids = fc.uniqueArray(fc.constantFrom(w1, w2, w3));
    fc.assert(
      fc.property(
        fc.array(ids, { maxLength: 3 }),
        ids,
        ids,
        fc.constantFrom(w1, w2, w3),
        (tombs, heads, more, head) => {
          const tombstones = tombs.map((sees) => ({ sees }));
          const before = livenessOf({ tombstones, heads }, precedes);
          if (before === 'dead') {
            assert.equal(livenessOf({ tombstones: [...tombstones, { sees: more }], heads }, precedes), 'dead');
          } else {
            const added = [...new Set([...heads, head])];
            assert.equal(livenessOf({ tombstones, heads: added }, precedes), 'alive');
          }
        },
      ),
    );
  });
});
