import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { conflictId, kindOfConflict, orient } from '../../src/core/conflict.ts';
import { byStampAndId, follows, type KnownWrite, newestCommonAncestor } from '../../src/core/heads.ts';
import type { StoreId, VolsetId, WriteId } from '../../src/core/ids.ts';
import { type Decision, type Policy, reconcile, resolutionOf } from '../../src/core/reconcile.ts';
import { checkRecord, recordHash, recordId } from '../../src/core/records.ts';
import { stampAfter } from '../../src/core/stamp.ts';
import { hexId, lookupIn, stampOf } from '../support/writes.ts';

const store = (digit: string): StoreId => `${digit.repeat(32)}.1` as StoreId;
const at = (n: number, value: string | null, ...parents: KnownWrite[]): KnownWrite => ({
  id: hexId(n),
  stamp: stampOf(n),
  value,
  parents: parents.map((parent) => parent.id),
});

/** A is the last that both sides had; 2 and 3 are edits on it, in order of stamp. */
const A = at(1, 'A');
const B2 = at(2, 'B', A);
const B3 = at(3, 'B', A);
const C2 = at(2, 'C', A);
const C3 = at(3, 'C', A);
const all = lookupIn([A, B2]);

/** What stands afterwards and, of a conflict, its base. */
function outcome(
  target: KnownWrite | undefined,
  current: KnownWrite | undefined,
  policy: Policy | undefined,
): unknown[] {
  const decided = reconcile(current, target, policy, all);
  if (decided.decision !== 'conflict') return [decided.decision, shown(decided, target, current)];
  return ['conflict', shown(decided, target, current), decided.base?.value ?? null, decided.resolution];
}

function shown(decided: Decision, target: KnownWrite | undefined, current: KnownWrite | undefined): unknown {
  const sides = [current, target].filter((side) => side !== undefined);
  if (decided.decision === 'conflict') return (decided.chosen === 'current' ? current : target)?.value;
  if (decided.decision === 'use-target') return target?.value;
  if (decided.decision === 'use-current') return current?.value;
  return sides.sort(byStampAndId).at(-1)?.value;
}

describe('core: reconcile, target/current/initial', () => {
  // The policy plays a part in conflicts only; the others must come out alike under all three and without one.
  const rows: [string, KnownWrite | undefined, KnownWrite | undefined, unknown[]][] = [
    ['A/A/A stays', A, A, ['keep', 'A']],
    ['A/B/A: only we changed it', A, B2, ['use-current', 'B']],
    ['B/A/A: only the target changed it, no conflict', B2, A, ['use-target', 'B']],
    ['B/B/A: both changed it alike', B2, B3, ['same', 'B']],
    ['B/B/A: the very same write', B2, B2, ['keep', 'B']],
    ['A/A2/A: changed and changed back', A, at(3, 'A', B2), ['use-current', 'A']],
    ['-/-/-: nothing on either side', undefined, undefined, ['keep', undefined]],
    ['B/-/-: new there', B2, undefined, ['use-target', 'B']],
    ['-/C/-: new here', undefined, C2, ['use-current', 'C']],
    ['B/B/-: no common ancestor, equal', at(2, 'B'), at(3, 'B'), ['same', 'B']],
    ['unset on both sides', at(2, null, A), at(3, null, A), ['same', null]],
  ];
  for (const [what, target, current, expected] of rows) {
    for (const policy of ['target', 'current', 'newest', undefined] as const) {
      it(`${what} (${policy ?? 'no policy'})`, () => assert.deepEqual(outcome(target, current, policy), expected));
    }
  }
});

describe('core: reconcile, both changed it otherwise', () => {
  const root = (write: KnownWrite): KnownWrite => ({ ...write, parents: [] });
  const settled = (write: KnownWrite): KnownWrite => ({ ...write, resolution: true });
  const rows: [string, KnownWrite, KnownWrite, Policy | undefined, unknown[]][] = [
    ['B/C/A, ours is later', B2, C3, 'target', ['conflict', 'B', 'A', true]],
    ['B/C/A, theirs is later', B3, C2, 'target', ['conflict', 'B', 'A', false]],
    ['B/C/A, ours is later', B2, C3, 'current', ['conflict', 'C', 'A', false]],
    ['B/C/A, theirs is later', B3, C2, 'current', ['conflict', 'C', 'A', true]],
    ['B/C/A, ours is later', B2, C3, 'newest', ['conflict', 'C', 'A', false]],
    ['B/C/A, theirs is later', B3, C2, 'newest', ['conflict', 'B', 'A', false]],
    ['B/C/A at a hub', B2, C3, undefined, ['conflict', 'C', 'A', false]],
    ['B/C/A at a hub, theirs is later', B3, C2, undefined, ['conflict', 'B', 'A', false]],
    ['B/C/-: no common ancestor', root(B2), root(C3), 'target', ['conflict', 'B', null, true]],
    ['B/C/-: no common ancestor', root(B3), root(C2), 'current', ['conflict', 'C', null, true]],
    ['unset there', at(2, null, A), C3, 'target', ['conflict', null, 'A', true]],
    ['theirs is a resolution', settled(B2), C3, 'target', ['conflict', 'C', 'A', false]],
    ['ours is a resolution', B2, settled(C3), 'target', ['conflict', 'C', 'A', false]],
    ['both are resolutions', settled(B3), settled(C2), 'current', ['conflict', 'B', 'A', false]],
  ];
  for (const [what, target, current, policy, expected] of rows) {
    it(`${what}, policy ${policy ?? 'none'}: ${expected[1]} stands${expected[3] ? ' by a write' : ''}`, () =>
      assert.deepEqual(outcome(target, current, policy), expected));
  }
  it('equal stamps are told apart by the id', () => {
    const twin: KnownWrite = { ...C2, id: hexId(9) };
    assert.deepEqual(outcome(B2, twin, 'newest'), ['conflict', 'C', 'A', false]);
    assert.deepEqual(outcome(B2, twin, 'target'), ['conflict', 'B', 'A', true]);
  });
});

describe('core: newest common ancestor', () => {
  const left = at(5, 'l', B2, C3);
  const right = at(6, 'r', B2, C3);
  const rows: [string, KnownWrite, KnownWrite, KnownWrite | undefined][] = [
    ['of two edits on one write', B2, C3, A],
    ['of a write and what it follows', left, A, A],
    ['of a write and itself', left, left, left],
    ['crosswise: the later of the two', left, right, C3],
    ['across a dropped write: none', at(8, 'l', at(7, 'gone', A)), C3, undefined],
    ['round a dropped write', at(8, 'l', at(7, 'gone'), B2), C3, A],
  ];
  const lookup = lookupIn([A, B2, C3, left, right]);
  for (const [what, a, b, expected] of rows) {
    it(what, () => {
      assert.equal(newestCommonAncestor(a, b, lookup), expected);
      assert.equal(newestCommonAncestor(b, a, lookup), expected);
    });
  }
});

describe('core: resolutions', () => {
  const register = 'volset:description';
  it('are the same write whoever makes them, above both and following both', () => {
    const ours = resolutionOf(register, C3, B2, 'target', store('1'));
    const theirs = resolutionOf(register, B2, C3, 'current', store('2'));
    assert.equal(recordId(ours), recordId(theirs));
    assert.deepEqual({ ...ours, author: '' }, { ...theirs, author: '' });
    assert.deepEqual([ours.value, ours.stamp], ['B', stampOf(4)]);
    const known: KnownWrite = { ...ours, id: recordId(ours) as WriteId };
    for (const side of [B2, C3]) assert.ok(follows(known, side, lookupIn([A, B2, C3])));
    for (const policy of ['target', 'current', 'newest'] as const) {
      assert.deepEqual(reconcile(known, B2, policy, lookupIn([A, B2, C3])), { decision: 'use-current' });
      assert.deepEqual(reconcile(C3, known, policy, lookupIn([A, B2, C3])), { decision: 'use-target' });
    }
  });
  it('take the next stamp, and no stamp above the last', () => {
    assert.equal(stampAfter('000000000000ffff'), '0000000000010000');
    assert.throws(() => stampAfter('efffffffffffffff'), { code: 'protocol' });
  });
  const golden = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/records/conflicts.json'), 'utf8'));
  for (const { description, object, field, writes, id } of golden.conflicts) {
    it(`golden conflict: ${description}`, () => {
      assert.equal(conflictId(object, field, writes), id);
      assert.equal(conflictId(object, field, [...writes].reverse()), id);
    });
  }
  for (const { description, register, current, target, chosen, author, record, hash, id } of golden.resolutions) {
    it(`golden resolution: ${description}`, () => {
      const made = resolutionOf(register, current, target, chosen, author);
      assert.deepEqual(made, record);
      assert.deepEqual(checkRecord(made, '0'.repeat(32) as VolsetId), made);
      assert.deepEqual([recordHash(made), recordId(made)], [hash, id]);
    });
  }
});

describe('core: conflicts', () => {
  it('are told apart by object, field and what met', () => {
    const [x, y, z] = [hexId(1), hexId(2), hexId(3)];
    const branch = `branch:${'a'.repeat(32)}`;
    const ids = [
      conflictId('volset', 'name', [x, y]),
      conflictId('volset', 'owner', [x, y]),
      conflictId(branch, 'name', [x, y]),
      conflictId('volset', 'name', [x, z]),
    ];
    assert.equal(new Set(ids).size, ids.length);
  });
  it('are ours and theirs by our head, else by age', () => {
    for (const pair of [
      [B2, C3],
      [C3, B2],
    ]) {
      assert.deepEqual(orient(pair[0], pair[1], C3.id), { current: C3, target: B2 });
      assert.deepEqual(orient(pair[0], pair[1], B2.id), { current: B2, target: C3 });
      assert.deepEqual(orient(pair[0], pair[1], A.id), { current: B2, target: C3 });
      assert.deepEqual(orient(pair[0], pair[1]), { current: B2, target: C3 });
    }
  });
  it('have the kind of their object; how one was settled is no conflict', () => {
    assert.equal(kindOfConflict('volset'), 'volset');
    assert.equal(kindOfConflict(`snapshot:${'b'.repeat(64)}`), 'snapshot');
    assert.equal(kindOfConflict(`conflict:${'b'.repeat(64)}`), undefined);
  });
});
