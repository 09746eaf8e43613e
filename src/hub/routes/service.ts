/** The hub about itself: health, metrics, the description of its protocol. */

import { healthChecks } from '../../wire/activity-schemas.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import { object, type Schema } from '../../wire/schema.ts';
import type { Health } from '../health.ts';
import { openApi } from '../openapi.ts';
import { activityRoutes } from './activity.ts';
import { contentRoutes } from './contents.ts';
import { feedRoutes } from './feed.ts';
import { holdsRoutes } from './holds.ts';
import { recordRoutes } from './records.ts';
import type { Route } from './route.ts';
import { tokenRoutes } from './token.ts';
import { transferRoutes } from './transfers.ts';
import { treeRoutes } from './trees.ts';
import { viewRoutes } from './views.ts';
import { volsetRoutes } from './volsets.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const healthAnswer: Schema = object({
  ok: { type: 'boolean' },
  checks: healthChecks,
});

const serviceRoutes: Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    summary:
      'Whether the hub can read and write its store: 200, or 503 with the checks that fail; nothing else is told',
    right: null,
    answer: { type: JSON_TYPE, schema: healthAnswer },
    status: (health) => ((health as Health).ok ? 200 : 503),
    handle: ({ health }) => health.get(),
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Counters in the Prometheus text format',
    right: 'read',
    answer: { type: METRICS_TYPE },
    handle: async ({ metrics, facts, transfer, now }, { caller }) =>
      metrics.render({ facts: await facts.get(), transfers: transfer.stats(), caller, now: now() }),
  },
  {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document',
    right: null,
    answer: { type: JSON_TYPE },
    handle: async () => openApi(routes),
  },
];

export const routes: Route[] = [
  ...volsetRoutes,
  ...recordRoutes,
  ...feedRoutes,
  ...transferRoutes,
  ...holdsRoutes,
  ...treeRoutes,
  ...contentRoutes,
  ...tokenRoutes,
  ...activityRoutes,
  ...viewRoutes,
  ...serviceRoutes,
];
