/** How conflicts read, and that the commands beside them do what they say, whatever somebody named things. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { shellWord } from '../../src/page/conflicts/shell-word.ts';
import { type ConflictRow, sideOf, snapshotOf, subjectOf, waysOut } from '../../src/page/conflicts/words.ts';

const ID = 'c0ffee'.padEnd(64, '0');
const SNAPSHOT = 'ab'.repeat(32);

const conflict = (row: Partial<ConflictRow>): ConflictRow =>
  ({
    id: ID,
    kind: 'branch',
    object: `branch:${'1'.repeat(32)}`,
    field: 'description',
    initial: null,
    current: 'a',
    target: 'b',
    resolution: 'current',
    resolved: false,
    writes: [],
    objectName: 'main',
    ...row,
  }) as ConflictRow;

describe('page: what a conflict is about', () => {
  const table: [what: string, row: Partial<ConflictRow>, expected: ReturnType<typeof subjectOf>][] = [
    ['a field', {}, ['Description', ' of ', 'branch ', { name: 'main' }]],
    ['an attribute', { field: 'attr:<b>' }, ['Attribute ', { name: '<b>' }, ' of ', 'branch ', { name: 'main' }]],
    [
      'of the volset',
      { kind: 'volset', object: 'volset' as never, objectName: 'v' },
      ['Description', ' of ', 'volume set ', { name: 'v' }],
    ],
    [
      'without a name',
      { kind: 'snapshot', object: `snapshot:${SNAPSHOT}`, objectName: null },
      ['Description', ' of ', 'snapshot abababababab'],
    ],
    ['a path', { kind: 'path', object: `snapshot:${SNAPSHOT}`, field: 'a/b' }, ['Path ', { name: 'a/b' }]],
    ['a name', { kind: 'name' }, ['Two objects with one name: ', 'branch ', { name: 'main' }]],
    ['a deletion', { kind: 'delete' }, ['Deleted and edited: ', 'branch ', { name: 'main' }]],
  ];
  for (const [what, row, expected] of table) it(what, () => assert.deepEqual(subjectOf(conflict(row)), expected));

  it('names the snapshot where it is about one', () => {
    assert.equal(snapshotOf(conflict({ object: `snapshot:${SNAPSHOT}` })), SNAPSHOT);
    assert.equal(snapshotOf(conflict({})), undefined);
  });
});

describe('page: the sides of a conflict', () => {
  const table: [what: string, row: Partial<ConflictRow>, expected: ReturnType<typeof sideOf>][] = [
    ['a value', {}, { value: 'a' }],
    ['an empty value is one', { current: '' }, { value: '' }],
    ['unset', { current: null }, { nothing: 'nothing' }],
    ['a path that is not there', { kind: 'path', current: null }, { nothing: 'not there' }],
    ['a path as in a snapshot', { kind: 'path', current: SNAPSHOT }, { snapshot: SNAPSHOT }],
    ['deleted', { kind: 'delete', current: null }, { nothing: 'deleted' }],
    ['kept', { kind: 'delete', current: 'main' }, { value: 'main' }],
  ];
  for (const [what, row, expected] of table)
    it(what, () => assert.deepEqual(sideOf(conflict(row), 'current'), expected));
});

describe('page: how to settle a conflict', () => {
  const resolve = 'plait conflicts resolve c0ffee000000';
  const table: [what: string, row: Partial<ConflictRow>, expected: [command: string, effect: string][]][] = [
    [
      'a field',
      {},
      [
        [`${resolve} --current`, 'what stands already'],
        [`${resolve} --target`, 'let target stand'],
        [`${resolve} --value TEXT`, 'another value, in place of TEXT'],
      ],
    ],
    [
      'a deletion',
      { kind: 'delete', current: null },
      [
        [`${resolve} --current`, 'delete it'],
        [`${resolve} --target`, 'keep it'],
      ],
    ],
    [
      'a path',
      { kind: 'path', target: null },
      [
        [`${resolve} --current`, 'leave the file as it is'],
        [`${resolve} --target`, 'delete the file'],
      ],
    ],
    ['a name', { kind: 'name' }, [['plait branch rename main NEW', 'rename one of the two']]],
    [
      'a name that would act in a shell',
      { kind: 'name', objectName: '$(reboot)' },
      [["plait branch rename '$(reboot)' NEW", 'rename one of the two']],
    ],
    [
      'a name that cannot be pasted',
      { kind: 'name', objectName: 'a\nreboot\n' },
      [['plait branch rename NAME NEW', 'rename one of the two']],
    ],
  ];
  for (const [what, row, expected] of table)
    it(what, () =>
      assert.deepEqual(
        waysOut(conflict(row)).map(({ command, effect }) => [command, effect]),
        expected,
      ),
    );
});

describe('page: names in commands', () => {
  it('are one word of a shell, the same', () => {
    const evil = fc.string({
      unit: fc.constantFrom('a', "'", '"', '$', '`', '\\', ' ', '(', ')', ';', '*', '~', '!', '#'),
      minLength: 1,
      maxLength: 12,
    });
    const words = fc.sample(evil, 200).filter((text) => shellWord(text) !== undefined);
    assert.ok(words.length > 150);
    const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\n' ${words.map(shellWord).join(' ')}`], {
      encoding: 'utf8',
    });
    assert.deepEqual(printed.split('\n').slice(0, -1), words);
  });

  for (const text of ['', '-rf', 'a\nb', '\u001b[201~;reboot', '\u202ea'])
    it(`none for ${JSON.stringify(text)}`, () => assert.equal(shellWord(text), undefined));
});
