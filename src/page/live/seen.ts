/** Whether somebody looks at the page: browsers put tabs that nobody sees in the background, and tell. */
import { pause, type Waker } from './pause.ts';

export const isSeen = (): boolean => document.visibilityState === 'visible';

export const seenOrNot = (): Waker => [document, 'visibilitychange'];

/** Resolves once nobody has looked for `ms`, or when `signal` aborts. */
export async function unseen(ms: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (isSeen()) await pause(undefined, signal, seenOrNot());
    else {
      await pause(ms, signal, seenOrNot());
      if (!isSeen()) return;
    }
  }
}

/** Resolves when somebody looks, or when `signal` aborts. */
export async function seen(signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !isSeen()) await pause(undefined, signal, seenOrNot());
}
