/** Asks again and again while somebody looks: for what no feed tells. */

/** `task` runs now, and `ms` after it ended, while the page is visible; at once when it is looked at again. */
export async function whileVisible(ms: number, task: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (document.visibilityState === 'visible') await task();
    if (!signal.aborted) await pause(ms, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = window.setTimeout(resolve, ms);
  const seen = (): void => {
    if (document.visibilityState === 'visible') resolve();
  };
  document.addEventListener('visibilitychange', seen);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  window.clearTimeout(timer);
  document.removeEventListener('visibilitychange', seen);
}
