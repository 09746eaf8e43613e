/** Records that other commands left open in a store that is served. */

import type { HubMeta, HubOptions } from './contract.ts';
import { textOf } from './text-of.ts';

export interface Cutting {
  /** Resolves after the first round, whatever came of it. */
  readonly first: Promise<void>;
  stop(): void;
}

/**
 * Other commands may edit this store while it is served; what they leave uncut is closed here, for a request must not
 * write. One round at a time, and a failure only waits for the next round.
 */
export function cutRegularly(
  meta: Pick<HubMeta, 'listVolsets' | 'cut'>,
  everyMs: number,
  log: HubOptions['log'],
): Cutting {
  if (everyMs === 0) return { first: Promise.resolve(), stop: () => {} };
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const round = async (): Promise<void> => {
    try {
      for (const { id } of await meta.listVolsets()) await meta.cut(id);
    } catch (error) {
      log?.({ level: 'warn', event: 'cut-failed', message: textOf(error) });
    }
    if (!stopped) timer = setTimeout(() => void round(), everyMs).unref();
  };
  return {
    first: round(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
