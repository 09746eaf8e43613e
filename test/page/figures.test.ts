/** Figures as people read them. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ago, bytes, plural, saved, shortId } from '../../src/page/figures.ts';

const HOUR = 3_600_000;

describe('page: figures', () => {
  const table: [what: string, got: string | undefined, wanted: string | undefined][] = [
    ['nothing', bytes(0), '0 B'],
    ['bytes', bytes(999), '999 B'],
    ['beyond three digits', bytes(1000), '0.98 KiB'],
    ['rounded up to the next unit', bytes(1024 * 1024 - 1), '1.00 MiB'],
    ['two digits', bytes(12.34 * 1024), '12.3 KiB'],
    ['the largest unit', bytes(5000 * 1024 ** 5), '5000 PiB'],
    ['one', plural(1, 'branch', 'branches'), '1 branch'],
    ['many', plural(12_345, 'branch', 'branches'), '12,345 branches'],
    ['saved', saved(1000, 15), '98.5 %'],
    ['nearly all saved', saved(1e9, 1), '> 99.9 %'],
    ['nothing saved', saved(1000, 1000), undefined],
    ['nothing there', saved(0, 10), undefined],
    ['now', ago(0, 59_999), 'just now'],
    ['an hour', ago(0, HOUR), '1 hour ago'],
    ['days', ago(0, 50 * HOUR), '2 days ago'],
    ['a clock ahead', ago(HOUR, 0), 'in the future'],
    ['an id', shortId('0123456789abcdef'), '0123456789ab'],
  ];
  for (const [what, got, wanted] of table) it(what, () => assert.equal(got, wanted));

  it('sizes below the largest unit have three digits at most', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (size) => {
        const [digits] = bytes(Math.abs(size)).split(' ');
        assert.ok(digits.replace('.', '').replace(/^0/, '').length <= 3, digits);
      }),
    );
  });
});
