import assert from 'node:assert/strict';
import { Cached } from '../../src/hub/cached.ts';

describe('hub: what is read once for all', () => {
  let clock = 0;
  let reads: PromiseWithResolvers<number>[] = [];
  let cached: Cached<number>;
  beforeEach(() => {
    clock = 0;
    reads = [];
    cached = new Cached(
      () => reads[reads.push(Promise.withResolvers<number>()) - 1].promise,
      100,
      () => clock,
    );
  });

  it('is fresh from when it was answered, for as long as was said', async () => {
    const first = cached.get();
    clock = 80;
    reads[0].resolve(1);
    assert.equal(await first, 1);
    clock = 179;
    assert.equal(await cached.get(), 1);
    clock = 180;
    const second = cached.get();
    reads[1].resolve(2);
    assert.equal(await second, 2);
  });

  it('that takes long is waited for, and not begun again beside itself', async () => {
    const first = cached.get();
    clock = 5000;
    const second = cached.get();
    assert.equal(reads.length, 1);
    reads[0].resolve(1);
    assert.deepEqual(await Promise.all([first, second]), [1, 1]);
    assert.equal(await cached.get(), 1);
    assert.equal(reads.length, 1);
  });

  it('that failed is told to all who wait, and tried again', async () => {
    const waiting = [cached.get(), cached.get()];
    reads[0].reject(new Error('no'));
    for (const one of waiting) await assert.rejects(one, /no/);
    const again = cached.get();
    reads[1].resolve(1);
    assert.equal(await again, 1);
  });

  it('does not stay for ever where the clock is set back', async () => {
    clock = 1000;
    const first = cached.get();
    reads[0].resolve(1);
    await first;
    clock = 10;
    const second = cached.get();
    reads[1].resolve(2);
    assert.equal(await second, 2);
  });
});
