/** Waits that end early where there is nothing left to wait for, and leave no listener behind. */

export type Waker = [target: EventTarget, event: string];

/** Resolves after `ms` (undefined: never by itself), when `signal` aborts, or at an event of the `wakers`. */
export async function pause(ms: number | undefined, signal: AbortSignal, ...wakers: Waker[]): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
  const wake = (): void => resolve();
  const all: Waker[] = [[signal, 'abort'], ...wakers];
  for (const [target, event] of all) target.addEventListener(event, wake);
  await promise;
  clearTimeout(timer);
  for (const [target, event] of all) target.removeEventListener(event, wake);
}
