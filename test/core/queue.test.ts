import assert from 'node:assert/strict';
import fc from 'fast-check';
import { backOff, Credits } from '../../src/core/queue.ts';
import { seeded } from '../support/seed.ts';

const HIGH = 2;
const ALL = [true, true, true];

const takes = (credits: Credits, ready: boolean[], n: number): number[] =>
  Array.from({ length: n }, () => credits.next(ready));

describe('core/queue: credits', () => {
  it('share 13 turns as 9:3:1, again and again', () => {
    const credits = new Credits();
    for (let round = 0; round < 3; round++) {
      const turns = takes(credits, ALL, 13);
      assert.deepEqual(
        [0, 1, 2].map((priority) => turns.filter((turn) => turn === priority).length),
        [1, 3, 9],
      );
    }
  });

  const alone: [string, boolean[], number][] = [
    ['low alone', [true, false, false], 0],
    ['medium alone', [false, true, false], 1],
    ['high alone', [false, false, true], HIGH],
    ['nobody', [false, false, false], -1],
    ['nobody, told as nothing', [], -1],
  ];
  for (const [what, ready, turn] of alone) {
    it(`${what} gets every turn`, () => assert.deepEqual(new Set(takes(new Credits(), ready, 30)), new Set([turn])));
  }

  it('nobody who was not ready is chosen', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean())), (schedule) => {
        const credits = new Credits();
        for (const ready of schedule) {
          const turn = credits.next(ready);
          assert.equal(turn === -1, !ready.includes(true));
          if (turn >= 0) assert.ok(ready[turn]);
        }
      }),
      seeded(300),
    );
  });

  // Whoever waits is ready all the time; the others come and go as they like.
  for (const [priority, most] of [
    [HIGH, 4],
    [1, 19],
    [0, 24],
  ]) {
    it(`priority ${priority} waits behind at most ${most} others, whatever the others do`, () => {
      const others = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
      fc.assert(
        fc.property(fc.array(others, { maxLength: 60 }), fc.array(others, { minLength: 26, maxLength: 60 }), (a, b) => {
          const credits = new Credits();
          for (const ready of a) credits.next(ready);
          let waited = 0;
          for (const ready of b) {
            const turn = credits.next(ready.map((is, i) => is || i === priority));
            waited = turn === priority ? 0 : waited + 1;
            assert.ok(waited <= most, `${waited} went before`);
          }
        }),
        seeded(2000),
      );
    });
  }
});

describe('core/queue: back-off', () => {
  const table: [number, number, number][] = [
    [0, 0, 500],
    [0, 1, 1000],
    [1, 0, 1000],
    [1, 1, 2000],
    [5, 0.5, 24_000],
    [11, 1, 2_048_000],
    [12, 1, 3_600_000],
    [5000, 1, 3_600_000],
    [5000, 0, 1_800_000],
  ];
  for (const [attempts, random, ms] of table) {
    it(`after ${attempts} failures, at ${random}: ${ms} ms`, () =>
      assert.equal(
        backOff(attempts, () => random),
        ms,
      ));
  }
  it('is itself between a half and all of it', () => {
    for (let attempts = 0; attempts < 20; attempts++) {
      const longest = backOff(attempts, () => 1);
      assert.ok(backOff(attempts, Math.random) >= longest / 2 && backOff(attempts, Math.random) <= longest);
    }
  });
});
