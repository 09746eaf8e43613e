/** Axes: ticks are round, few, and around what is shown; places follow values. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lastUpTo, linear, logarithmic } from '../../src/page/plot/scales.ts';
import { byteTicks, logByteTicks, timeTicks } from '../../src/page/plot/ticks.ts';

const KIB = 1024;
const sizes = fc.oneof(
  fc.integer({ min: 1, max: 5000 }),
  fc.maxSafeInteger().filter((size) => size > 0),
);

const ascends = (values: number[]): boolean => values.every((value, i) => i === 0 || value > values[i - 1]);

describe('page: scales', () => {
  const table: [what: string, scale: (value: number) => number, value: number, place: number][] = [
    ['linear, from', linear(0, 10, 100, 0), 0, 100],
    ['linear, between', linear(0, 10, 100, 0), 2.5, 75],
    ['linear, of one value', linear(5, 5, 0, 100), 5, 50],
    ['logarithmic, between', logarithmic(1, 10_000, 0, 100), 100, 50],
    ['logarithmic, nothing', logarithmic(1, 10_000, 0, 100), 0, 0],
  ];
  for (const [what, scale, value, place] of table)
    it(what, () => assert.ok(Math.abs(scale(value) - place) < 1e-9, `${scale(value)}`));

  it('the last value up to another is found', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.nat(20), (values, wanted) => {
        values.sort((a, b) => a - b);
        const expected = values.findLastIndex((value) => value <= wanted);
        assert.equal(
          lastUpTo(values.length, (i) => values[i], wanted),
          expected,
        );
      }),
    );
  });
});

describe('page: ticks of sizes', () => {
  const table: [max: number, ticks: number[]][] = [
    [0, [0, 1]],
    [3, [0, 1, 2, 3]],
    [450 * KIB, [0, 100, 200, 300, 400, 500].map((n) => n * KIB)],
    [KIB ** 3, [0, 0.2, 0.4, 0.6, 0.8, 1].map((n) => n * KIB ** 3)],
  ];
  for (const [max, ticks] of table)
    it(`up to ${max}`, () => {
      const got = byteTicks(max, 5);
      assert.equal(got.length, ticks.length);
      got.forEach((tick, i) => {
        assert.ok(Math.abs(tick - ticks[i]) <= 1e-6 * max);
      });
    });

  it('around any size, few and ascending', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 3, max: 8 }), (a, b, most) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const even = byteTicks(high, most);
        assert.ok(even[0] === 0 && (even.at(-1) as number) >= high && even.length <= most + 2 && ascends(even));
        const log = logByteTicks(low, high, most);
        assert.ok(log[0] <= low && (log.at(-1) as number) >= high && ascends(log) && log.length >= 2, String(log));
        assert.ok(log.length <= most + 2, String(log));
      }),
    );
  });
});

describe('page: ticks of time', () => {
  const at = (text: string): number => Date.parse(text);
  const table: [what: string, from: string, to: string, offsetHours: number, labels: string[]][] = [
    ['seconds', '2026-03-01T10:00:01Z', '2026-03-01T10:00:04Z', 0, ['10:00:01', '10:00:02', '10:00:03', '10:00:04']],
    ['hours into a day', '2026-03-01T21:30:00Z', '2026-03-02T00:30:00Z', 0, ['22:00', '23:00', '2026-03-02']],
    ['days', '2026-03-01T12:00:00Z', '2026-03-04T12:00:00Z', 0, ['2026-03-02', '2026-03-03', '2026-03-04']],
    ['days elsewhere', '2026-03-01T12:00:00Z', '2026-03-03T23:00:00Z', 2, ['2026-03-02', '2026-03-03', '2026-03-04']],
    ['months', '2025-12-20T00:00:00Z', '2026-03-10T00:00:00Z', 0, ['2026-01', '2026-02', '2026-03']],
    ['years', '2020-05-01T00:00:00Z', '2023-05-01T00:00:00Z', 0, ['2021-01', '2022-01', '2023-01']],
  ];
  for (const [what, from, to, hours, labels] of table)
    it(what, () => {
      const ticks = timeTicks(at(from), at(to), 4, hours * 3_600_000);
      assert.deepEqual(
        ticks.map(({ label }) => label),
        labels,
      );
    });

  it('at the end of all dates, which a snapshot may claim, none is beyond it', () => {
    const end = 8.64e15;
    for (const span of [3_600_000, 4 * 86_400_000, 9e11])
      assert.ok(timeTicks(end - span, end, 4, 14 * 3_600_000).every(({ at: time }) => time <= end));
  });

  it('within any span, few and ascending', () => {
    const times = fc.integer({ min: 0, max: at('2100-01-01T00:00:00Z') });
    fc.assert(
      fc.property(times, times, fc.integer({ min: 3, max: 9 }), (a, b, most) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const ticks = timeTicks(from, to, most).map((tick) => tick.at);
        assert.ok(ticks.length <= most && ascends(ticks) && ticks.every((tick) => tick >= from && tick <= to));
      }),
    );
  });
});
