/** That others are served while some take long. */
import assert from 'node:assert/strict';
import { Breath } from '../../src/hub/trees/breath.ts';

describe('hub: those that take long', () => {
  it('have one slice a turn of the loop, all of them together', async () => {
    let turn = 0;
    let going = true;
    const next = (): void => {
      turn++;
      if (going) setImmediate(next);
    };
    setImmediate(next);
    const slices: number[] = [];
    const { signal } = new AbortController();
    const work = async (): Promise<void> => {
      const breath = await Breath.first(signal);
      for (let i = 0; i < 3; i++) {
        slices.push(turn);
        await breath.take();
      }
    };
    await Promise.all(Array.from({ length: 5 }, work));
    going = false;
    assert.equal(slices.length, 15);
    assert.equal(new Set(slices).size, 15, slices.join(' '));
  });

  it('end at their next turn when nobody waits for them', async () => {
    const gone = new AbortController();
    const breath = await Breath.first(gone.signal);
    gone.abort(new Error('gone'));
    await assert.rejects(breath.take(), /gone/);
    await assert.rejects(Breath.first(gone.signal), /gone/);
  });
});
