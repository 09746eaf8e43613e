/** What all routes work with, over HTTP and in process alike. */
import type { HubLimits, HubOptions } from './contract.ts';
import { DoctorWatch } from './doctor.ts';
import { FactReader } from './facts.ts';
import { Feeds } from './feed/feeds.ts';
import { HeadWatch } from './feed/head-watch.ts';
import { noticing } from './feed/noticing.ts';
import { HealthWatch } from './health.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Metrics } from './metrics.ts';
import { PendingVolsets } from './pending-volsets.ts';
import type { HubContext } from './routes/route.ts';
import { textOf } from './text-of.ts';
import { Summaries } from './views/summaries.ts';
import { VolsetViews } from './views/volset-views.ts';

type Parts = Pick<
  HubOptions,
  | 'meta'
  | 'data'
  | 'transfer'
  | 'transferTokens'
  | 'limits'
  | 'now'
  | 'log'
  | 'readOnly'
  | 'minFree'
  | 'audit'
  | 'doctor'
>;

export function hubContext(parts: Parts): HubContext {
  const { meta, data, transfer, transferTokens, limits, now = Date.now, log } = parts;
  const heads = new HeadWatch(meta, {
    onFailure: (error) => log?.({ level: 'warn', event: 'look-failed', message: textOf(error) }),
  });
  const noticed = noticing(meta, () => heads.poke());
  const all: HubLimits = { ...DEFAULT_LIMITS, ...limits };
  const metrics = new Metrics();
  return {
    meta: noticed,
    data,
    transfer,
    transferTokens,
    limits: all,
    metrics,
    pending: new PendingVolsets(),
    heads,
    feeds: new Feeds({ meta: noticed, heads, limits: all, metrics }),
    views: new VolsetViews(meta),
    summaries: new Summaries({ meta, data }),
    facts: new FactReader(meta, transfer, now),
    health: healthOf(parts, now),
    doctor: new DoctorWatch({
      look: parts.doctor,
      now,
      onFailure: (message) => log?.({ level: 'error', event: 'doctor-failed', message }),
    }),
    now,
  };
}

const healthOf = (
  { meta, transfer, log, readOnly = false, minFree = 0, audit }: Parts,
  now: () => number,
): HealthWatch =>
  new HealthWatch({
    meta,
    transfer,
    readOnly,
    minFree,
    now,
    auditFault: () => audit?.fault(),
    onFailure: (check, message) => log?.({ level: 'error', event: 'unhealthy', check, message }),
  });

/** No feed is told anything more; routes may still be running. */
export function stopTelling({ feeds, heads, views, summaries }: HubContext): void {
  feeds[Symbol.dispose]();
  heads[Symbol.dispose]();
  views[Symbol.dispose]();
  summaries[Symbol.dispose]();
}
