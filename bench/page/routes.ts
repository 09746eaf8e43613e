/** What each read-only route costs by itself, one request after another, and with 20 clients at once. */
import { performance } from 'node:perf_hooks';
import type { Places } from './places.ts';
import { quantile } from './served.ts';

export interface RouteCost {
  name: string;
  p50: number;
  p95: number;
  /** 95th percentile with 20 clients at once. */
  together: number;
  bytes: number;
}

interface Ask {
  name: string;
  path: string;
  body?: unknown;
  /** Follows `next` to the end: many requests, counted as one. */
  whole?: boolean;
  /** Takes long: fewer of them. */
  slow?: boolean;
}

const TIMES = 30;
const CLIENTS = 20;

export function asksOf({ volset, first, middle, last, flat, file }: Places): Ask[] {
  const of = `/v1/volsets/${volset}`;
  const tree = `${of}/snapshots/${last}`;
  return [
    { name: 'overview', path: '/v1/overview' },
    { name: 'view', path: `${of}/view` },
    { name: 'history, first 100', path: `${of}/history`, body: { from: null, limit: 100 } },
    { name: 'history, 100 of one branch', path: `${of}/history`, body: { from: [last], limit: 100 } },
    { name: 'history, 100 from the middle on', path: `${of}/history`, body: { from: [middle], limit: 100 } },
    { name: 'snapshot', path: tree },
    { name: 'folder: root', path: `${tree}/entries` },
    { name: 'folder: first 500 of 20,000', path: `${tree}/entries?path=${flat}` },
    { name: 'folder: all of 20,000', path: `${tree}/entries?path=${flat}`, whole: true, slow: true },
    { name: 'a file', path: `${tree}/file?path=${file}` },
    { name: 'search: a name that many have', path: `${tree}/search?name=amd` },
    { name: 'search: the whole tree, few found', path: `${tree}/search?name=img_01999`, whole: true, slow: true },
    { name: 'diff of first and last, first 500', path: `${of}/diff?from=${first}&to=${last}` },
    { name: 'diff of first and last, all', path: `${of}/diff?from=${first}&to=${last}`, whole: true, slow: true },
    { name: 'conflicts', path: `${of}/conflicts` },
    { name: 'sizes', path: `${of}/sizes` },
    { name: 'activity', path: '/v1/activity' },
    { name: 'health', path: '/v1/health' },
  ];
}

export async function measureRoute(url: string, ask: Ask): Promise<RouteCost> {
  const times = ask.slow ? TIMES / 6 : TIMES;
  const alone: number[] = [];
  let bytes = 0;
  // The first is not counted: a hub that has answered nothing yet has compiled nothing.
  for (let i = 0; i <= times; i++) {
    const from = performance.now();
    bytes = await answer(url, ask);
    if (i > 0) alone.push(performance.now() - from);
  }
  const together = await Promise.all(Array.from({ length: CLIENTS }, () => client(url, ask, Math.ceil(times / 6))));
  return {
    name: ask.name,
    p50: quantile(alone, 0.5),
    p95: quantile(alone, 0.95),
    together: quantile(together.flat(), 0.95),
    bytes,
  };
}

async function client(url: string, ask: Ask, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const from = performance.now();
    await answer(url, ask);
    taken.push(performance.now() - from);
  }
  return taken;
}

async function answer(url: string, { path, body, whole }: Ask): Promise<number> {
  let bytes = 0;
  for (let after: string | null = null; ; ) {
    const next = after === null ? '' : `&after=${after}`;
    const response = await fetch(`${url}${path}${next}`, {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
    bytes += text.length;
    after = whole ? ((JSON.parse(text) as { next: string | null }).next ?? null) : null;
    if (after === null) return bytes;
  }
}
