import assert from 'node:assert/strict';
import { Flat, itemsOf } from '../../src/core/flat.ts';

describe('flat streams', () => {
  const ends: string[] = [];
  async function* batches(): AsyncGenerator<number[], void, undefined> {
    try {
      yield [];
      yield [1, 2];
      yield [];
      yield [3];
    } finally {
      ends.push('end');
    }
  }
  beforeEach(() => ends.splice(0));

  it('give every item of every batch in order', async () => {
    assert.deepEqual(await Array.fromAsync(new Flat(batches())), [1, 2, 3]);
    assert.deepEqual(ends, ['end']);
  });

  it('need no promise for what is at hand', async () => {
    const items = itemsOf(new Flat(batches()));
    assert.deepEqual(await items.next(), { done: false, value: 1 });
    assert.deepEqual(items.next(), { done: false, value: 2 });
    assert.ok(items.next() instanceof Promise);
  });

  it('end their batches when left early, and give nothing after it', async () => {
    const flat = new Flat(batches());
    for await (const item of flat) if (item === 1) break;
    assert.deepEqual(ends, ['end']);
    assert.deepEqual(await flat.next(), { done: true, value: undefined });
  });

  it('pass on what their batches throw', async () => {
    async function* failing(): AsyncGenerator<number[], void, undefined> {
      yield [1];
      throw new Error('lost');
    }
    const seen: number[] = [];
    await assert.rejects(
      async () => {
        for await (const item of new Flat(failing())) seen.push(item);
      },
      { message: 'lost' },
    );
    assert.deepEqual(seen, [1]);
  });
});
