import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import { parseObject, parseRef, type RefLookup, resolveRef } from '../../src/core/references.ts';

const snap = (start: string): SnapshotId => start.padEnd(64, '0') as SnapshotId;
const [A, B, C, D, E, T] = ['aaaaaaa1', 'aaaaaaa2', 'ccccccc', 'ddddddd', 'eeeeeee', '20240101'].map(snap);

const branches = [
  ['main', C],
  ['empty', null],
  ['release/1', B],
  ['both', C],
  ['__proto__', D],
  ['origin/deep', E],
  ['fa11bac', D],
] as const;
const names: Record<string, SnapshotId[]> = {
  v1: [A],
  both: [A],
  twice: [A, B],
  '20240101': [D],
  'origin/main': [A],
  [A]: [E],
};

const lookup: RefLookup = {
  branches: () => branches.map(([name, tip], i) => ({ id: String(i).repeat(32) as BranchId, name, tip })),
  remoteBranch: (remote, branch) =>
    remote === 'origin' && branch === 'main'
      ? { tip: E }
      : remote === 'origin' && branch === 'release/1'
        ? { tip: D }
        : undefined,
  snapshotsByName: (name) => (Object.hasOwn(names, name) ? names[name] : []),
  snapshotsByPrefix: (prefix, limit) => [A, B, C, D, E, T].filter((id) => id.startsWith(prefix)).slice(0, limit),
  parentsOf: (ids) => Object.fromEntries(ids.map((id) => [id, id === C ? [B, A] : id === B ? [A] : []])),
};

describe('core/references', () => {
  const found: [string, string, SnapshotId, string][] = [
    ['a branch', 'main', C, 'branch'],
    ['a branch before a snapshot of that name', 'both', C, 'branch'],
    ['the snapshot of that name, when said', 'snapshot:both', A, 'name'],
    ['the branch, when said', 'branch:both', C, 'branch'],
    ['a branch with a slash', 'release/1', B, 'branch'],
    ['a branch called __proto__', '__proto__', D, 'branch'],
    ['a branch before an id prefix', 'fa11bac', D, 'branch'],
    ["a remote's branch before a snapshot of that name", 'origin/main', E, 'remote-branch'],
    ["a remote's branch with a slash", 'origin/release/1', D, 'remote-branch'],
    ["a local branch before a remote's", 'origin/deep', E, 'branch'],
    ['a snapshot by name', 'v1', A, 'name'],
    ['a name before an id prefix', '20240101', D, 'name'],
    ['an id prefix of 7 digits', 'ccccccc', C, 'id'],
    ['an id prefix in capitals', 'CCCCCCC', C, 'id'],
    ['an id prefix as long as needed', 'aaaaaaa1', A, 'id'],
    ['a full id before a name that spells it', A, A, 'id'],
    ['a full id with its prefix', `snapshot:${C}`, C, 'id'],
    ['one step back', 'main~1', B, 'branch'],
    ['two steps back, along first parents', 'main~2', A, 'branch'],
    ['no step back', 'main~0', C, 'branch'],
    ['a step back from an id', 'ccccccc~1', B, 'id'],
    ['a step back, with a prefix', 'branch:main~1', B, 'branch'],
  ];
  for (const [what, ref, snapshot, via] of found) {
    it(`finds ${what}: ${ref.slice(0, 20)}`, () => {
      const hit = resolveRef(ref, lookup);
      assert.deepEqual([hit.snapshot, hit.via], [snapshot, via]);
    });
  }

  it('tells the branch only where the tip itself was meant', () => {
    assert.equal(resolveRef('main', lookup).branch?.name, 'main');
    assert.equal(resolveRef('main~0', lookup).branch?.name, 'main');
    assert.equal(resolveRef('main~1', lookup).branch, undefined);
    assert.equal(resolveRef('origin/main', lookup).branch, undefined);
  });

  const refused: [string, string, string][] = [
    ['a prefix of two snapshots', 'aaaaaaa', 'ambiguous-reference'],
    ['a name of two snapshots', 'twice', 'ambiguous-reference'],
    ['a prefix that is too short', 'cccccc', 'not-found'],
    ['nothing known', 'nope', 'not-found'],
    ['a branch that is only a snapshot', 'branch:v1', 'not-found'],
    ['a snapshot that is only a branch', 'snapshot:main', 'not-found'],
    ['a branch without a snapshot', 'empty', 'not-found'],
    ['too many steps back', 'main~3', 'not-found'],
    ['a volume set', 'volset:x', 'usage'],
    ['an empty reference', '', 'usage'],
    ['an empty name', 'branch:', 'usage'],
    ['steps without a number', 'main~', 'usage'],
    ['steps twice', 'main~1~1', 'usage'],
    ['steps that are no number', 'main~x', 'usage'],
    ['steps without a name', '~1', 'usage'],
    ['steps beyond all bounds', 'main~99999999999', 'usage'],
    ['constructor', 'constructor', 'not-found'],
  ];
  for (const [what, ref, code] of refused) {
    it(`refuses ${what}: ${ref}`, () => {
      assert.throws(
        () => resolveRef(ref, lookup),
        (error) => error instanceof PlaitError && error.code === code && error.hint !== undefined,
      );
    });
  }

  const errorOf = (ref: string): PlaitError => {
    try {
      resolveRef(ref, lookup);
    } catch (error) {
      return error as PlaitError;
    }
    throw new Error('resolved');
  };
  it('lists candidates', () => assert.deepEqual(errorOf('aaaaaaa').data?.candidates, [A, B]));
  it('suggests what is near', () => {
    assert.deepEqual(errorOf('mian').data?.suggestions, ['main']);
    assert.deepEqual(errorOf('release').data?.suggestions, ['release/1']);
    assert.deepEqual(errorOf('zzzzzz').data?.suggestions, []);
  });

  it('parses objects', () => {
    assert.deepEqual(parseObject(undefined), { object: 'volset' });
    assert.deepEqual(parseObject('volset'), { object: 'volset' });
    assert.deepEqual(parseObject('volset:x'), { object: 'volset', name: 'x' });
    assert.deepEqual(parseObject('branch:a/b'), { object: 'branch', name: 'a/b' });
    assert.deepEqual(parseObject('snapshot:main~2'), {
      object: 'snapshot',
      ref: { kind: 'any', name: 'main', back: 2 },
    });
    for (const bad of ['', 'x', 'branch:', 'snapshot:', 'tag:x'])
      assert.throws(() => parseObject(bad), PlaitError, bad);
  });

  it('keeps what follows the first prefix as it is', () => {
    assert.deepEqual(parseRef('snapshot:branch:x'), { kind: 'snapshot', name: 'branch:x', back: 0 });
  });
});
