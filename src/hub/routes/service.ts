/** The hub about itself: health, metrics, the description of its protocol. */
import { JSON_TYPE } from '../../wire/headers.ts';
import { openApi } from '../openapi.ts';
import { feedRoutes } from './feed.ts';
import { holdsRoutes } from './holds.ts';
import { recordRoutes } from './records.ts';
import type { Route } from './route.ts';
import { tokenRoutes } from './token.ts';
import { transferRoutes } from './transfers.ts';
import { volsetRoutes } from './volsets.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const serviceRoutes: Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Answers when the store does',
    right: null,
    answer: { type: JSON_TYPE, schema: { type: 'object', properties: { ok: { const: true } }, required: ['ok'] } },
    handle: async ({ meta }) => {
      await meta.listTokens();
      return { ok: true };
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Counters in the Prometheus text format',
    right: 'read',
    answer: { type: METRICS_TYPE },
    handle: async ({ meta, metrics, transfer }) => metrics.render((await meta.listVolsets()).length, transfer.stats()),
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
  ...tokenRoutes,
  ...serviceRoutes,
];
