/** Waits of the page: what ends them, and that nothing of them stays behind on signals that live for long. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { pause } from '../../src/page/live/pause.ts';

describe('page: waits', () => {
  const left = (target: EventTarget, event: string): number => getEventListeners(target, event).length;

  const ends: [what: string, end: (abort: AbortController, target: EventTarget) => void, ms: number | undefined][] = [
    ['time', () => {}, 1],
    ['an abort', (abort) => abort.abort(), undefined],
    ['an event', (_abort, target) => target.dispatchEvent(new Event('online')), undefined],
  ];
  for (const [what, end, ms] of ends) {
    it(`${what} ends one, and no listener stays`, async () => {
      const [abort, target] = [new AbortController(), new EventTarget()];
      const waiting = pause(ms, abort.signal, [target, 'online']);
      end(abort, target);
      await waiting;
      assert.deepEqual([left(abort.signal, 'abort'), left(target, 'online')], [0, 0]);
    });
  }

  it('one that is not wanted any more does not begin', async () => {
    await pause(undefined, AbortSignal.abort());
  });
});
