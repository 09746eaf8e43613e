/** What was measured of the page, as Markdown, with the goals held against it. */
import { median } from '../measure.ts';
import type { PushCost } from './pushes.ts';
import type { RouteCost } from './routes.ts';
import type { ScrollCost } from './scroll.ts';
import type { SearchCost } from './search.ts';
import type { Delays } from './served.ts';
import type { ViewCost } from './views.ts';

const FIRST_VIEW_BYTES = 300 * 1024;
const USABLE_MS = 1000;
/** A page that loads everything has tens of thousands. */
const MOST_NODES = 2500;
/** Script and style are part of it. */
const FIRST_SHARE = 0.1;

const line = (cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (heads: string[], rows: (string | number)[][]): string[] => [
  line(heads),
  `|${'---|'.repeat(heads.length)}`,
  ...rows.map(line),
  '',
];

const ms = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
const spread = (times: number[]): string =>
  `${ms(median(times))} (${ms(Math.min(...times))}-${ms(Math.max(...times))})`;
export const kib = (bytes: number): string => `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;
export const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

export function goal(what: string, figure: number, most: number, show: (figure: number) => string): string {
  return `* goal ${what} <= ${show(most)}: ${show(figure)}, ${figure <= most ? 'met' : '**missed**'}`;
}

export function viewTable(costs: ViewCost[]): string[] {
  const rows = costs.map(({ name, opened, within, requests, bytes }) => [
    name,
    spread(opened),
    spread(within),
    requests,
    kib(bytes),
  ]);
  const slowest = Math.max(...costs.flatMap(({ opened, within }) => [median(opened), median(within)]));
  const first = costs.find(({ name }) => name === 'overview');
  const heads = ['view', 'opened by its address, ms', 'from within the page, ms', 'requests', 'bytes'];
  return [
    ...table(heads, rows),
    ...(first ? [goal('bytes of the first view', first.bytes, FIRST_VIEW_BYTES, kib)] : []),
    goal('bytes of any view', Math.max(...costs.map(({ bytes }) => bytes)), FIRST_VIEW_BYTES, kib),
    goal('ms until any view is usable', slowest, USABLE_MS, ms),
    '',
  ];
}

export function routeTable(costs: RouteCost[]): string[] {
  const rows = costs.map(({ name, p50, p95, together, bytes }) => [name, ms(p50), ms(p95), ms(together), kib(bytes)]);
  return table(['route', 'p50, ms', 'p95, ms', '20 clients at once: p95, ms', 'bytes'], rows);
}

export function scrollLines(cost: ScrollCost, snapshots: number): string[] {
  const { rows, steps, p50, p95, max, nodes, nodesAtFirst, bytesAtFirst, bytes, requests, heap } = cost;
  return [
    `The graph, scrolled from its top to row ${rows} of ${snapshots} in ${steps} windows: rows stood there after ${ms(p50)} ms`,
    `(p95 ${ms(p95)}, max ${ms(max)}). ${kib(bytesAtFirst)} at first, ${kib(bytes)} and ${requests} requests in the end; ${nodesAtFirst}`,
    `elements at first, at most ${nodes}; ${mib(heap)} of JavaScript in the end.`,
    '',
    goal('ms of a step, p95', p95, USABLE_MS, ms),
    goal('elements at any time', nodes, MOST_NODES, String),
    goal('share loaded at first', bytesAtFirst / bytes, FIRST_SHARE, (share) => `${(share * 100).toFixed(1)} %`),
    '',
  ];
}

export const searchLines = ({ first, whole, requests }: SearchCost): string[] => [
  `Search for a rare name in the page: the first row after ${ms(first)} ms, all files looked at after ${ms(whole)} ms, in ${requests} requests.`,
  '',
  goal('ms until all files were looked at', whole, USABLE_MS, ms),
  '',
];

export const delayTable = (rows: [while_: string, delays: Delays, rss: { now: number; peak: number }][]): string[] =>
  table(
    ['/healthz beside', 'median, ms', 'p99, ms', 'max, ms', 'RSS of the hub', 'at most so far'],
    rows.map(([what, { median, p99, max }, rss]) => [what, ms(median), ms(p99), ms(max), mib(rss.now), mib(rss.peak)]),
  );

export const pushTable = (costs: PushCost[]): string[] =>
  table(
    ['pages open', 'push, ms', 'CPU of the hub for each, ms', 'shown by all pages after, ms'],
    costs.map(({ pages, seconds, cpu, shown }) => [
      pages,
      spread(seconds.map((one) => one * 1000)),
      ms(cpu * 1000),
      shown === undefined ? '' : ms(shown),
    ]),
  );
