/** Asks again and again while somebody looks: for what no feed tells. */
import { pause } from './live/pause.ts';
import { isSeen, seenOrNot } from './live/seen.ts';

/** `task` runs now, and `ms` after it ended, while the page is visible; at once when it is looked at again. */
export async function whileVisible(ms: number, task: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (isSeen()) await task();
    await pause(ms, signal, seenOrNot());
  }
}
