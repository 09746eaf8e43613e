/** What changed within a line. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { marksOf, type Piece } from '../../src/page/diff/marks.ts';

const brief = (pieces: Piece[]): string => pieces.map(({ text, changed }) => (changed ? `[${text}]` : text)).join('');

describe('page: marks within a line', () => {
  const table: [before: string, after: string, left: string, right: string][] = [
    ['let a = 1;', 'let a = 2;', 'let a = [1];', 'let a = [2];'],
    ['alpha beta', 'alpha beta gamma', 'alpha beta', 'alpha beta[ gamma]'],
    ['grüße an alle', 'grüße an niemand', 'grüße an [alle]', 'grüße an [niemand]'],
    ['a\tb', 'a b', 'a[\t]b', 'a[ ]b'],
  ];
  for (const [before, after, left, right] of table) {
    it(`${JSON.stringify(before)} and ${JSON.stringify(after)}`, () => {
      const marks = marksOf(before, after);
      assert.deepEqual(marks && [brief(marks.left), brief(marks.right)], [left, right]);
    });
  }

  for (const [what, before, after] of [
    ['other lines altogether', 'one two three', 'vier fünf sechs'],
    ['long lines', `a${'x '.repeat(600)}`, `b${'x '.repeat(600)}`],
    ['more changes than are worth it', 'ab,'.repeat(200), 'cd;'.repeat(200)],
  ])
    it(`none: ${what}`, () => assert.equal(marksOf(before, after), undefined));

  it('holds both lines', () => {
    const line = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(line, line, (before, after) => {
        const marks = marksOf(before, after);
        if (!marks) return;
        assert.equal(marks.left.map(({ text }) => text).join(''), before);
        assert.equal(marks.right.map(({ text }) => text).join(''), after);
      }),
    );
  });
});
