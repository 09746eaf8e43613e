/** Refreshes that follow a feed: soon after the first word, then at most so often, and never two at a time. */
import { PlaitError } from '../../core/errors.ts';
import { pause } from './pause.ts';

/** About two a second: as often as people can follow. */
const EVERY_MS = 500;

/** Gives back what asks for one more `run`. A request that failed is dropped, since the feed's status tells of what is wrong. */
export function throttled(run: () => Promise<void> | void, signal: AbortSignal, everyMs = EVERY_MS): () => void {
  let wanted = false;
  let busy = false;
  let last = Number.NEGATIVE_INFINITY;
  const go = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    while (wanted && !signal.aborted) {
      await pause(Math.max(0, last + everyMs - performance.now()), signal);
      if (signal.aborted) break;
      wanted = false;
      try {
        await run();
      } catch (error) {
        if (!signal.aborted && !(error instanceof PlaitError)) fail(error);
      }
      last = performance.now();
    }
    busy = false;
  };
  return () => {
    wanted = true;
    void go();
  };
}

/** Ours: to be seen where such errors are. */
const fail = (error: unknown): void =>
  queueMicrotask(() => {
    throw error;
  });
