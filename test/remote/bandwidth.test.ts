import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Bucket, RateLimit } from '../../src/remote/bandwidth.ts';
import { incoming, outgoing } from '../../src/remote/body.ts';

/** Time passes only while somebody sleeps. */
function clock() {
  let time = 0;
  const asleep: { at: number; wake: () => void }[] = [];
  return {
    now: () => time,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((wake) => {
        asleep.push({ at: time + ms, wake });
        signal?.addEventListener('abort', () => wake(), { once: true });
      }),
    /** Wakes the one that is due first. */
    pass: async () => {
      asleep.sort((a, b) => a.at - b.at);
      const next = asleep.shift();
      if (next) {
        time = Math.max(time, next.at);
        next.wake();
      }
      await new Promise(setImmediate);
    },
  };
}

describe('client: bandwidth limits', () => {
  it('never lets more pass in any stretch of time than the rate and a tenth of a second', () => {
    const step = fc.record({ pause: fc.nat(500), bytes: fc.integer({ min: 1, max: 65_536 }) });
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 10_000_000 }), fc.array(step, { maxLength: 60 }), (rate, steps) => {
        const bucket = new Bucket(rate);
        let now = 0;
        const passed = steps.map(({ pause, bytes }) => {
          now += pause;
          return { at: now + bucket.reserve(bytes, now), bytes };
        });
        for (let i = 0; i < passed.length; i++) {
          let sum = 0;
          for (let k = i; k < passed.length; k++) {
            if (k > i) sum += passed[k].bytes;
            const ms = passed[k].at - passed[i].at;
            assert.ok(ms >= 0, 'in order');
            assert.ok(sum <= ((ms + 100) * rate) / 1000 + 1, `${sum} bytes in ${ms} ms at ${rate}/s`);
          }
        }
      }),
    );
  });

  it('wastes nothing while there is always something to send', () => {
    const bucket = new Bucket(1000);
    let last = 0;
    for (let i = 0; i < 100; i++) last = bucket.reserve(100, 0);
    assert.equal(last, 9900);
  });

  it('shares one limit between streams, in small pieces', async () => {
    const time = clock();
    const limit = new RateLimit(80_000, time);
    assert.equal(limit.pieceBytes, 10_000);
    const sent: string[] = [];
    const stream = async (name: string): Promise<void> => {
      const options = { limit, idleMs: 1000, stalled: () => assert.fail('no stall'), onBytes: () => {} };
      for await (const piece of outgoing([Buffer.alloc(40_000)], options)) sent.push(`${name}${piece.length}`);
    };
    let left = 2;
    const both = [stream('a'), stream('b')].map((run) => run.then(() => left--));
    while (left > 0) await time.pass();
    await Promise.all(both);
    assert.deepEqual(sent, ['a10000', 'b10000', 'a10000', 'b10000', 'a10000', 'b10000', 'a10000', 'b10000']);
    assert.equal(time.now(), 900);
  });

  it('does not read on while the limit holds it back', async () => {
    const time = clock();
    let read = 0;
    const body = (async function* () {
      for (;;) {
        read++;
        yield Buffer.alloc(1000);
      }
    })();
    const limit = new RateLimit(1000, time);
    const options = { limit, idleMs: 1000, stalled: () => assert.fail('no stall'), onBytes: () => {} };
    const pieces = incoming(body, options);
    const first = pieces.next();
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    assert.equal(read, 1);
    await time.pass();
    await first;
    await pieces.return(undefined);
  });

  it('a stop wakes whoever waits, at once', async () => {
    const stop = new AbortController();
    const limit = new RateLimit(1, clock());
    const waiting = limit.take(1_000_000, stop.signal);
    stop.abort();
    await waiting;
    await limit.take(1_000_000, stop.signal);
  });
});
