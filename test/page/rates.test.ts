/** Rates of transfers, from what was told of them. */
import assert from 'node:assert/strict';
import { Rates } from '../../src/page/activity/rates.ts';
import type { Activity } from '../../src/wire/views.ts';

type Transfer = Activity['transfers'][number];

const transfer = (bytes: number, other: Partial<Transfer> = {}): Transfer => ({
  id: 'abc',
  direction: 'up',
  volset: 'v' as never,
  volsetName: 'v',
  by: 'me',
  snapshots: 1,
  bytes,
  since: 0,
  used: 0,
  ...other,
});

describe('page: rates of transfers', () => {
  const table: [what: string, told: [now: number, bytes: number][], expected: number | undefined][] = [
    ['told once', [[0, 100]], undefined],
    [
      'told twice',
      [
        [0, 100],
        [2000, 2100],
      ],
      1000,
    ],
    [
      'standing still',
      [
        [0, 100],
        [2000, 100],
      ],
      0,
    ],
    [
      'over all that is near',
      [
        [0, 0],
        [2000, 4000],
        [4000, 4000],
      ],
      1000,
    ],
    [
      'what is long ago does not count',
      [
        [0, 0],
        [60_000, 9_000_000],
        [62_000, 9_002_000],
      ],
      1000,
    ],
    [
      'begun anew',
      [
        [0, 5000],
        [2000, 100],
      ],
      undefined,
    ],
    [
      'a clock that was set back',
      [
        [10_000, 0],
        [2000, 100],
      ],
      undefined,
    ],
    [
      'told twice at one time',
      [
        [2000, 0],
        [2000, 100],
      ],
      undefined,
    ],
  ];
  for (const [what, told, expected] of table)
    it(what, () => {
      const rates = new Rates();
      for (const [now, bytes] of told) rates.note({ now, transfers: [transfer(bytes)] });
      assert.equal(rates.of(transfer(0)), expected);
    });

  it('keeps both directions apart, and forgets what has ended', () => {
    const rates = new Rates();
    const down = (bytes: number): Transfer => transfer(bytes, { direction: 'down' });
    rates.note({ now: 0, transfers: [transfer(0), down(0)] });
    rates.note({ now: 1000, transfers: [transfer(10), down(20)] });
    assert.deepEqual([rates.of(transfer(0)), rates.of(down(0))], [10, 20]);
    rates.note({ now: 2000, transfers: [] });
    assert.equal(rates.of(transfer(0)), undefined);
  });
});
