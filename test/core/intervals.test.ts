import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  add,
  checkIntervals,
  contains,
  count,
  covers,
  gaps,
  type Interval,
  intersect,
  intervalsOf,
  isIntervals,
  normalise,
  subtract,
  union,
} from '../../src/core/intervals.ts';
import { seeded } from '../support/seed.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/** The naive form: every number by itself. */
const numbersOf = (set: readonly Interval[]): Set<number> =>
  new Set(set.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)));
type Numbers = ReadonlySet<number>;
const or = (a: Numbers, b: Numbers): Set<number> => new Set([...a, ...b]);
const and = (a: Numbers, b: Numbers): Set<number> => new Set([...a].filter((n) => b.has(n)));
const not = (a: Numbers, b: Numbers): Set<number> => new Set([...a].filter((n) => !b.has(n)));
const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

const interval = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }))
  .map(([first, more]): Interval => [first, first + more]);
const loose = fc.array(interval, { maxLength: 12 });
const set = loose.map(normalise);
const number = fc.integer({ min: 1, max: 75 });

/** Q15: each operation does what it does to sets of numbers, and answers a set in its only form. */
describe('core/intervals against sets of numbers', () => {
  const same = (answer: Interval[], expected: Set<number>): void => {
    assert.ok(isIntervals(answer), JSON.stringify(answer));
    assert.deepEqual(sorted(numbersOf(answer)), sorted(expected));
    assert.equal(count(answer), expected.size);
  };
  const holds = (name: string, property: fc.IProperty<unknown>): void => {
    it(name, () => fc.assert(property, seeded(500)));
  };
  holds(
    'normalise',
    fc.property(loose, (a) => same(normalise(a), numbersOf(a))),
  );
  holds(
    'union',
    fc.property(set, set, (a, b) => same(union(a, b), or(numbersOf(a), numbersOf(b)))),
  );
  holds(
    'intersect',
    fc.property(set, set, (a, b) => same(intersect(a, b), and(numbersOf(a), numbersOf(b)))),
  );
  holds(
    'subtract',
    fc.property(set, set, (a, b) => same(subtract(a, b), not(numbersOf(a), numbersOf(b)))),
  );
  holds(
    'add',
    fc.property(set, interval, (a, b) => same(add(a, ...b), or(numbersOf(a), numbersOf([b])))),
  );
  holds(
    'add of one',
    fc.property(set, number, (a, n) => same(add(a, n), or(numbersOf(a), new Set([n])))),
  );
  holds(
    'of numbers',
    fc.property(fc.array(number), (a) => same(intervalsOf(a), new Set(a))),
  );
  holds(
    'gaps',
    fc.property(set, fc.nat(75), (a, head) => {
      const all = new Set(Array.from({ length: head }, (_, i) => i + 1));
      same(gaps(a, head), not(all, numbersOf(a)));
    }),
  );
  holds(
    'contains',
    fc.property(set, number, (a, n) => assert.equal(contains(a, n), numbersOf(a).has(n))),
  );
  holds(
    'covers',
    fc.property(set, set, (a, b) => assert.equal(covers(a, b), not(numbersOf(b), numbersOf(a)).size === 0)),
  );
  holds(
    'nothing that was given is changed',
    fc.property(loose, set, (a, b) => {
      const before = JSON.stringify([a, b]);
      for (const work of [union, intersect, subtract]) work(normalise(a), b);
      union(a, b);
      assert.equal(JSON.stringify([a, b]), before);
    }),
  );
});

describe('core/intervals from a peer', () => {
  const good: unknown[] = [
    [],
    [[1, 1]],
    [
      [1, 1],
      [3, 9],
    ],
    [[MOST, MOST]],
    [[1, MOST]],
  ];
  for (const value of good) it(`takes ${JSON.stringify(value)}`, () => assert.equal(checkIntervals(value), value));

  const bad: [string, unknown][] = [
    ['nothing', undefined],
    ['no array', { 0: [1, 1], length: 1 }],
    ['zero', [[0, 1]]],
    ['below zero', [[-1, 1]]],
    ['a first behind its last', [[2, 1]]],
    ['fractions', [[1, 1.5]]],
    ['text', [['1', '2']]],
    ['no number', [[1, Number.NaN]]],
    ['no end', [[1, Number.POSITIVE_INFINITY]]],
    ['beyond 2^53', [[1, MOST + 1]]],
    ['three ends', [[1, 2, 3]]],
    ['one end', [[1]]],
    [
      'overlap',
      [
        [1, 3],
        [3, 4],
      ],
    ],
    [
      'touching',
      [
        [1, 3],
        [4, 5],
      ],
    ],
    [
      'falling',
      [
        [5, 6],
        [1, 2],
      ],
    ],
    [
      'behind the last number',
      [
        [1, MOST],
        [MOST, MOST],
      ],
    ],
  ];
  for (const [what, value] of bad)
    it(`refuses ${what}`, () => assert.throws(() => checkIntervals(value), { code: 'protocol' }));

  it('numbers near 2^53 are told apart', () => {
    assert.deepEqual(union([[MOST - 2, MOST - 2]], [[MOST, MOST]]), [
      [MOST - 2, MOST - 2],
      [MOST, MOST],
    ]);
    assert.deepEqual(subtract([[1, MOST]], [[2, MOST]]), [[1, 1]]);
    assert.deepEqual(gaps([], 0), []);
  });
});
