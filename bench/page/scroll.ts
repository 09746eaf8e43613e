/** The history from its top to its first snapshot, a window at a time: what each step takes and what is kept for it. */
import type { Browser } from 'playwright-core';
import { Tab } from './browser.ts';
import { ELEMENTS, HEAP, scrollTo } from './in-page.ts';
import { quantile } from './served.ts';
import { open, type View } from './views.ts';

export interface ScrollCost {
  /** Rows that were shown in the end. */
  rows: number;
  steps: number;
  /** Milliseconds until the rows of a step stood there. */
  p50: number;
  p95: number;
  max: number;
  /** Elements of the document, at most; at first. */
  nodes: number;
  nodesAtFirst: number;
  bytesAtFirst: number;
  bytes: number;
  requests: number;
  /** Of JavaScript in the end, after a collection. */
  heap: number;
}

interface Scrolled {
  times: number[];
  nodes: number;
  shown: number;
}

export async function measureScroll(browser: Browser, url: string, history: View, rows: number): Promise<ScrollCost> {
  await using tab = await Tab.open(browser);
  await open(tab, url, history);
  const bytesAtFirst = tab.traffic.bytes;
  const nodesAtFirst = await tab.page.evaluate<number>(ELEMENTS);
  const { times, nodes, shown } = await tab.page.evaluate<Scrolled>(scrollTo(rows));
  const cdp = await tab.page.context().newCDPSession(tab.page);
  await cdp.send('HeapProfiler.collectGarbage');
  const heap = await tab.page.evaluate<number>(HEAP);
  const { bytes, requests } = tab.traffic;
  return {
    rows: shown,
    steps: times.length,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    max: quantile(times, 1),
    nodes,
    nodesAtFirst,
    bytesAtFirst,
    bytes,
    requests,
    heap,
  };
}
