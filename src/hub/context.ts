/** What all routes work with, over HTTP and in process alike. */
import type { HubLimits, HubOptions } from './contract.ts';
import { Feeds } from './feed/feeds.ts';
import { HeadWatch } from './feed/head-watch.ts';
import { noticing } from './feed/noticing.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Metrics } from './metrics.ts';
import { PendingVolsets } from './pending-volsets.ts';
import type { HubContext } from './routes/route.ts';
import { VolsetViews } from './views/volset-views.ts';

type Parts = Pick<HubOptions, 'meta' | 'transfer' | 'transferTokens' | 'limits' | 'now' | 'log'>;

export function hubContext({ meta, transfer, transferTokens, limits, now = Date.now, log }: Parts): HubContext {
  const heads = new HeadWatch(meta, {
    onFailure: (error) => log?.({ level: 'warn', event: 'look-failed', message: textOf(error) }),
  });
  const noticed = noticing(meta, () => heads.poke());
  const all: HubLimits = { ...DEFAULT_LIMITS, ...limits };
  const metrics = new Metrics();
  return {
    meta: noticed,
    transfer,
    transferTokens,
    limits: all,
    metrics,
    pending: new PendingVolsets(),
    heads,
    feeds: new Feeds({ meta: noticed, heads, limits: all, metrics }),
    views: new VolsetViews(meta),
    now,
  };
}

/** No feed is told anything more; routes may still be running. */
export function stopTelling({ feeds, heads, views }: HubContext): void {
  feeds[Symbol.dispose]();
  heads[Symbol.dispose]();
  views[Symbol.dispose]();
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
