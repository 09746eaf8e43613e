/** From two texts to rows side by side: nothing is lost, nothing is shown twice, and the work is bounded. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Block, foldRows, type Row, rowsOf } from '../../src/page/diff/rows.ts';

const textOf = (rows: Row[], side: 'left' | 'right'): string =>
  rows
    .flatMap((row) => row[side] ?? [])
    .map(({ text, open }) => (open ? text : `${text}\n`))
    .join('');

const brief = (rows: Row[] | undefined): string[] | undefined =>
  rows?.map(({ kind, left, right }) => `${kind} ${left?.number ?? '-'} ${right?.number ?? '-'}`);

const numbers = (count: number): string => Array.from({ length: count }, (_, i) => `${i}\n`).join('');

describe('page: rows of a text diff', () => {
  const table: [what: string, before: string, after: string, expected: string[]][] = [
    ['nothing at all', '', '', []],
    ['alike', 'a\nb\n', 'a\nb\n', ['same 1 1', 'same 2 2']],
    ['added from nothing', '', 'a\nb', ['added - 1', 'added - 2']],
    ['removed altogether', 'a\n', '', ['removed 1 -']],
    ['one line in place of another', 'a\nb\nc\n', 'a\nx\nc\n', ['same 1 1', 'changed 2 2', 'same 3 3']],
    ['more lines than before', 'a\nb\n', 'a\nx\ny\n', ['same 1 1', 'changed 2 2', 'added - 3']],
    ['fewer lines than before', 'a\nb\nc\n', 'x\n', ['changed 1 1', 'removed 2 -', 'removed 3 -']],
    ['the last newline is gone', 'a\n', 'a', ['changed 1 1']],
    ['two places', 'a\nb\nc\nd\n', 'b\nc\ne\nd\n', ['removed 1 -', 'same 2 1', 'same 3 2', 'added - 3', 'same 4 4']],
    ['a carriage return is a difference', 'a\r\n', 'a\n', ['changed 1 1']],
  ];
  for (const [what, before, after, expected] of table) {
    it(what, () => assert.deepEqual(brief(rowsOf(before, after)), expected));
  }

  it('says where the newline is missing', () => {
    const [row] = rowsOf('a', 'a\n') as Row[];
    assert.deepEqual([row.left?.open, row.right?.open], [true, undefined]);
  });

  it('holds both texts, whatever they are, in ascending lines', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '\n', 'c\n', '\r\n', '\u2028'), { maxLength: 60 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [before, after] = [a.join(''), b.join('')];
        const rows = rowsOf(before, after, { maxEdits: 1e6, maxMs: 1e6 }) as Row[];
        assert.equal(textOf(rows, 'left'), before);
        assert.equal(textOf(rows, 'right'), after);
        for (const side of ['left', 'right'] as const) {
          const told = rows.flatMap((row) => row[side]?.number ?? []);
          assert.deepEqual(
            told,
            told.map((_, i) => i + 1),
          );
        }
        for (const { kind, left, right } of rows) if (kind === 'same') assert.equal(left?.text, right?.text);
      }),
    );
  });

  it('gives up where too much differs, and not where little does in long texts', () => {
    const other = numbers(200).replaceAll('\n', 'x\n');
    assert.equal(rowsOf(numbers(200), other, { maxEdits: 100, maxMs: 1e6 }), undefined);
    assert.equal(
      rowsOf(`${numbers(50_000)}a\n`, `${numbers(50_000)}b\n`, { maxEdits: 10, maxMs: 1e6 })?.length,
      50_001,
    );
    assert.equal(rowsOf('', numbers(50_000), { maxEdits: 10, maxMs: 1e6 })?.length, 50_000);
  });
});

describe('page: folds of a text diff', () => {
  const shape = (blocks: Block[]): string[] =>
    blocks.map((block) => ('fold' in block ? `fold ${block.fold.length}` : `rows ${block.rows.length}`));
  const change = (at: number, of: number): [string, string] => {
    const lines = numbers(of).split('\n');
    return [lines.join('\n'), lines.with(at, 'x').join('\n')];
  };
  const table: [what: string, texts: [string, string], expected: string[]][] = [
    ['all alike', [numbers(20), numbers(20)], ['fold 20']],
    ['few and alike', [numbers(3), numbers(3)], ['rows 3']],
    ['a change in the middle', change(10, 21), ['fold 7', 'rows 7', 'fold 7']],
    ['a change at the start', change(0, 20), ['rows 4', 'fold 16']],
    ['a change at the end', change(19, 20), ['fold 16', 'rows 4']],
    ['a fold that would hide little is none', change(5, 12), ['rows 12']],
  ];
  for (const [what, [before, after], expected] of table) {
    it(what, () => assert.deepEqual(shape(foldRows(rowsOf(before, after) as Row[])), expected));
  }

  it('loses no row', () => {
    const line = fc.constantFrom('a\n', 'b\n', 'c\n');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 80 }), fc.array(line, { maxLength: 80 }), (a, b) => {
        const rows = rowsOf(a.join(''), b.join('')) as Row[];
        const again = foldRows(rows).flatMap((block) => ('fold' in block ? block.fold : block.rows));
        assert.deepEqual(again, rows);
        for (const block of foldRows(rows))
          if ('fold' in block) assert.ok(block.fold.every(({ kind }) => kind === 'same'));
      }),
    );
  });
});
