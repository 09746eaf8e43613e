/** Asks again and again while somebody looks: for what no feed tells. */
import { h } from './dom.ts';
import { pause } from './live/pause.ts';
import { isSeen, seenOrNot } from './live/seen.ts';
import { KeptPart } from './parts/kept-part.ts';
import { errorNotice } from './parts/notice.ts';

interface Polled<T> {
  everyMs: number;
  read(): Promise<T>;
  show(told: T): void;
  signal: AbortSignal;
}

/**
 * Shows what is read now, and again while the page is visible. What fails later is told in the element that comes back,
 * and what was seen stays. Throws what keeps the first from being read.
 */
export async function polled<T>({ everyMs, read, show, signal }: Polled<T>): Promise<HTMLElement> {
  const wrong = new KeptPart(h('div'));
  show(await read());
  const again = async (): Promise<void> => {
    try {
      show(await read());
      wrong.draw(h('div'));
    } catch (error) {
      if (!signal.aborted) wrong.draw(errorNotice(error));
    }
  };
  void whileVisible(everyMs, again, signal);
  return wrong.node;
}

/** At once when the page is looked at again. */
async function whileVisible(ms: number, task: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(ms, signal, seenOrNot());
    if (!signal.aborted && isSeen()) await task();
  }
}
