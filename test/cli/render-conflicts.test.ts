/** How conflicts read: one line of story, one with the way out, and no letter of a peer that rewrites a terminal. */
import assert from 'node:assert/strict';
import { conflictDetail, conflictLines, conflictTable } from '../../src/cli/render/conflicts.ts';
import type { ConflictId, WriteId } from '../../src/core/ids.ts';
import type { ConflictRow } from '../../src/sync/conflict-rows.ts';

const row = (change: Partial<ConflictRow> = {}): ConflictRow => ({
  id: 'ab'.repeat(32) as ConflictId,
  kind: 'branch',
  object: `branch:${'1'.repeat(32)}`,
  field: 'name',
  initial: 'side',
  current: 'ours',
  target: 'theirs',
  resolution: 'target',
  resolved: false,
  writes: ['0'.repeat(64), '1'.repeat(64)] as WriteId[],
  volset: 'data',
  objectName: 'theirs',
  ...change,
});
const snapshot = `snapshot:${'2'.repeat(64)}` as const;
const tips = { initial: null, current: '3'.repeat(64), target: '4'.repeat(64) };

describe('cli: rendering of conflicts', () => {
  const stories: [string, Partial<ConflictRow>, RegExp][] = [
    ['a field', {}, /^C name of branch theirs: "ours" here, "theirs" there\n {2}"theirs" stands;.*--value TEXT`$/],
    [
      'an attribute of a snapshot without a name',
      { kind: 'snapshot', object: snapshot, objectName: null, field: 'attr:k', current: null },
      /^C attribute k of snapshot 222222222222: nothing here, "theirs" there\n/,
    ],
    ['a third value', { resolution: 'value' }, /\n {2}another value stands;/],
    [
      'a path that both added',
      { kind: 'path', object: snapshot, field: 'a/b', ...tips, resolution: 'current' },
      /^C path a\/b: added on both sides\n {2}ours is left in place;.*--current\|--target`$/,
    ],
    [
      'a path that is not UTF-8',
      { kind: 'path', object: snapshot, field: '\ufffd', pathBase64: Buffer.from([0xff]).toString('base64'), ...tips },
      /^C path "\\xff": /,
    ],
    [
      'deleted here',
      { kind: 'delete', field: 'deleted', current: null },
      /^C branch theirs: deleted on one side \(current\) and edited on the other\n {2}what was edited stays;/,
    ],
    [
      'two of one name',
      { kind: 'name', initial: null, current: 'side.1111', target: 'side', objectName: 'side.1111' },
      /^C branch side\.1111: another one has the same name, "side"\n.*plait branch rename side\.1111 NEW`$/,
    ],
    ['a bell and a newline', { current: 'a\u0007\nb' }, /: "a\\u0007\\nb" here/],
    ['a long value', { current: 'x'.repeat(1000) }, /: "x{38}… here/],
  ];
  for (const [what, change, wanted] of stories) {
    it(what, () => {
      const lines = [...conflictLines([row(change)])];
      assert.equal(lines.length, 2);
      assert.match(lines.join('\n'), wanted);
      assert.doesNotMatch(lines.join(''), /[\u0000-\u001f\u007f]/);
      for (const line of conflictDetail(row(change))) assert.doesNotMatch(line, /[\u0000-\u001f\u007f]/);
    });
  }

  it('shows ten of many and says how many more', () => {
    const lines = [...conflictLines(Array.from({ length: 13 }, () => row()))];
    assert.equal(lines.length, 21);
    assert.equal(lines[20], '  … and 3 conflicts more: `plait conflicts list`');
  });

  it('names the volume set in the table only where there are several', () => {
    const [one] = conflictTable([row()]);
    const [several] = conflictTable([row(), row({ volset: 'other' })]);
    assert.deepEqual([/volset/.test(one), /volset/.test(several)], [false, true]);
    assert.deepEqual([...conflictTable([])], ['no conflicts']);
    assert.equal([...conflictTable([row({ resolved: true })])].length, 2, 'nothing to settle, no advice');
  });

  const footers: [string, Partial<ConflictRow>[], RegExp][] = [
    [
      'a field takes a value',
      [{}, { kind: 'path', object: snapshot, ...tips }],
      /ID --current\|--target\|--value TEXT`/,
    ],
    [
      'a path and a deletion have two sides',
      [{ kind: 'path', object: snapshot, ...tips }, { kind: 'delete' }],
      /ID --current\|--target`/,
    ],
    ['a settled field takes nothing', [{ resolved: true }, { kind: 'delete' }], /ID --current\|--target`/],
    ['names are settled by a rename', [{ kind: 'name' }], /^see how to settle one with `plait conflicts show ID`$/],
  ];
  for (const [what, rows, wanted] of footers) {
    it(`offers in the table what its conflicts take: ${what}`, () => {
      assert.match([...conflictTable(rows.map(row))].at(-1) as string, wanted);
    });
  }

  it('offers to print theirs only where it is a file', () => {
    const path = row({ kind: 'path', object: snapshot, field: 'a', ...tips });
    const [file, other] = [true, false].map((isFile) => [...conflictDetail(path, { isFile })].join('\n'));
    assert.match(file, /^see theirs with `plait cat 444444444444 a`$/m);
    assert.match(other, /^see theirs with `plait restore 444444444444 a --to DIR`$/m);
  });
});
