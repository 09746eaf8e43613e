/** Windowed lists: what is seen is drawn, the rest is room, and both together are as long as the list. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { seenRange, slotsOf } from '../../src/page/parts/window-range.ts';

describe('page: rows that are seen', () => {
  const at = (top: number, rows = 1000): [number, number] => seenRange({ top, height: 100, rowHeight: 10, rows }, 2);
  const table: [what: string, range: [number, number], expected: [number, number]][] = [
    ['at its start', at(0), [0, 12]],
    ['further down', at(-500), [48, 62]],
    ['between two rows', at(-505), [48, 63]],
    ['at its end', at(-9900), [988, 1000]],
    ['above the list', at(5000), [0, 0]],
    ['below the list', at(-50_000), [1000, 1000]],
    ['no rows', at(0, 0), [0, 0]],
  ];
  for (const [what, range, expected] of table) it(what, () => assert.deepEqual(range, expected));

  it('slots stand for every row once, in order, and the kept one is drawn', () => {
    const bound = fc.nat({ max: 30 });
    fc.assert(
      fc.property(bound, bound, bound, fc.option(fc.nat({ max: 40 }), { nil: undefined }), (a, b, c, kept) => {
        const [from, to, rows] = [a, b, c].sort((x, y) => x - y);
        const slots = slotsOf([from, to], rows, kept);
        let next = 0;
        const drawn: number[] = [];
        for (const slot of slots) {
          if ('row' in slot) {
            assert.equal(slot.row, next);
            drawn.push(slot.row);
          } else assert.ok(slot.gap > 0);
          next += 'row' in slot ? 1 : slot.gap;
        }
        assert.equal(next, rows);
        for (let row = from; row < to; row++) assert.ok(drawn.includes(row));
        if (kept !== undefined && kept < rows) assert.ok(drawn.includes(kept));
        assert.ok(drawn.length <= to - from + 1);
      }),
    );
  });
});
