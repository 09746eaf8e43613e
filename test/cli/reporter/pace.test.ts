import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Pace } from '../../../src/cli/reporter/pace.ts';
import { advance, describe as show, startProgress } from '../../../src/cli/reporter/progress.ts';

const SECOND = 1000;

/** Adds so much every 100 ms. */
function run(pace: Pace, from: number, seconds: number, perSecond: number): number {
  const end = from + seconds * SECOND;
  for (let at = from; at < end; at += 100) pace.add(perSecond / 10, at);
  return end;
}

const near = (value: number | undefined, wanted: number, share = 0.1): void =>
  assert.ok(value !== undefined && Math.abs(value - wanted) <= wanted * share, `${value} instead of ${wanted}`);

describe('cli: pace', () => {
  it('says nothing in the first second', () => {
    const pace = new Pace(0);
    pace.add(1_000_000, 10);
    assert.deepEqual([pace.rate(999), pace.remaining(10, 999)], [undefined, undefined]);
  });

  it('is that of the last seconds, and forecasts from it', () => {
    const pace = new Pace(0);
    let now = run(pace, 0, 100, 1000);
    near(pace.rate(now), 1000);
    near(pace.remaining(60_000, now), 60_000);
    now = run(pace, now, 30, 100_000);
    near(pace.rate(now), 100_000);
    near(pace.remaining(1_000_000, now), 10_000);
  });

  it('makes no forecast while the pace changes, nor while nothing moves', () => {
    const pace = new Pace(0);
    let now = run(pace, 0, 60, 1000);
    now = run(pace, now, 2, 50_000);
    assert.equal(pace.remaining(1000, now), undefined);
    now = run(pace, now, 30, 1000);
    near(pace.remaining(1000, now), 1000);
    assert.equal(pace.remaining(1000, now + 6 * SECOND), undefined);
    assert.equal(pace.rate(now + 60 * SECOND), 0);
  });

  it('makes none of what is done, or done beyond the total, or further off than a week', () => {
    const pace = new Pace(0);
    const now = run(pace, 0, 20, 1000);
    for (const left of [0, -1, -1e12, 1e12]) assert.equal(pace.remaining(left, now), undefined, `${left}`);
  });

  it('whatever happens, a forecast is a positive time, at most a week', () => {
    const step = fc.record({ pause: fc.nat(20_000), amount: fc.nat(1 << 30), total: fc.nat(1 << 30) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const pace = new Pace(0);
        let now = 0;
        let done = 0;
        for (const { pause, amount, total } of steps) {
          now += pause;
          done += amount;
          pace.add(amount, now);
          const eta = pace.remaining(total - done, now);
          assert.ok(eta === undefined || (eta > 0 && eta <= 7 * 24 * 3600 * SECOND), `${eta}`);
          assert.ok((pace.rate(now) ?? 0) >= 0);
        }
      }),
    );
  });

  it('a total may come late, grow, and turn out too small', () => {
    const progress = startProgress('pushing', undefined, 0);
    const lines: string[] = [];
    for (let second = 1; second <= 8; second++) {
      const totalBytes = [undefined, undefined, 20_480, 20_480, 40_960, 40_960, 40_960, 4096][second - 1];
      advance(progress, { bytes: 1024, totalBytes }, second * SECOND);
      lines.push(show(progress, second * SECOND));
    }
    assert.deepEqual(lines, [
      'pushing 1.0 KiB 1.0 KiB/s',
      'pushing 2.0 KiB 1.0 KiB/s',
      'pushing 15% 3.0 KiB 1.0 KiB/s ETA 17.0 s',
      'pushing 20% 4.0 KiB 1.0 KiB/s ETA 16.0 s',
      'pushing 12% 5.0 KiB 1.0 KiB/s ETA 35.0 s',
      'pushing 15% 6.0 KiB 1.0 KiB/s ETA 34.0 s',
      'pushing 17% 7.0 KiB 1.0 KiB/s ETA 33.0 s',
      'pushing 100% 8.0 KiB 1.0 KiB/s',
    ]);
  });
});
