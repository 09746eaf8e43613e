import assert from 'node:assert/strict';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import { agreedTip, giveWay, planRefs, type RefStep, type Relation } from '../../src/core/ref-plan.ts';

const [OURS, THEIRS, BASE] = ['1', '2', '0'].map((digit) => digit.repeat(64) as SnapshotId);
const MAIN = 'a'.repeat(32) as BranchId;
const KEPT = 'b'.repeat(32) as BranchId;

describe('plan of tips', () => {
  const plan = (current: SnapshotId | null, target: SnapshotId | null, relation: Relation = 'equal'): RefStep =>
    planRefs([{ branch: MAIN, name: 'main', current, target }], () => ({ relation, base: BASE }))[0];

  const TABLE: [what: string, RefStep, step: string, kept: SnapshotId | null, done: SnapshotId | null][] = [
    ['equal', plan(OURS, OURS), 'none', OURS, OURS],
    ['only here', plan(OURS, null), 'send', null, OURS],
    ['only there', plan(null, THEIRS), 'take', null, THEIRS],
    ['ahead', plan(OURS, THEIRS, 'ahead'), 'send', THEIRS, OURS],
    ['behind', plan(OURS, THEIRS, 'behind'), 'take', OURS, THEIRS],
    ['forked', plan(OURS, THEIRS, 'diverged'), 'diverged', null, null],
    ['no common ancestor', plan(OURS, THEIRS, 'unrelated'), 'diverged', null, null],
  ];
  for (const [what, step, expected, kept, done] of TABLE) {
    it(`${what}: ${expected}; agreed is what both hold, before and after it was done`, () => {
      assert.equal(step.step, expected);
      assert.equal(agreedTip(step, { sent: false, taken: false }), kept);
      assert.equal(agreedTip(step, { sent: true, taken: true }), done);
    });
  }

  it('a line that gives way goes on as another branch, which is new there', () => {
    const other = { ...plan(OURS, OURS), branch: 'c'.repeat(32) as BranchId, name: 'other' };
    const steps = giveWay([plan(OURS, THEIRS, 'diverged'), other], MAIN, { branch: KEPT, name: 'kept' });
    assert.deepEqual(
      steps.map(({ name, step, current, target }) => [name, step, current, target]),
      [
        ['main', 'none', THEIRS, THEIRS],
        ['kept', 'send', OURS, null],
        ['other', 'none', OURS, OURS],
      ],
    );
  });

  it('nothing gives way that has not diverged', () => {
    for (const [, step] of TABLE.filter(([, { step }]) => step !== 'diverged')) {
      assert.deepEqual(giveWay([step], MAIN, { branch: KEPT, name: 'kept' }), [step]);
    }
  });
});
