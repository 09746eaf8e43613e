/** Each view, opened by its address in a browser that has never been there, and again from within the page. */
import type { Browser } from 'playwright-core';
import { median } from '../measure.ts';
import { Tab } from './browser.ts';
import { goTo, isUsable, when } from './in-page.ts';
import type { Places } from './places.ts';

export interface View {
  name: string;
  hash: string;
  /** Its main content: that many of these. */
  content: [selector: string, least: number];
}

export interface ViewCost {
  name: string;
  /** Milliseconds. */
  opened: number[];
  within: number[];
  requests: number;
  bytes: number;
}

export function viewsOf(places: Places): View[] {
  const { volset, first, last, flat, file } = places;
  const of = `#/v/${volset}`;
  return [
    { name: 'overview', hash: '#/', content: ['main tbody tr', Math.min(places.volsets, 50)] },
    { name: 'history', hash: of, content: ['[aria-label=History] a.open', 10] },
    { name: 'branches', hash: `${of}/branches`, content: ['main tbody tr', 10] },
    { name: 'members', hash: `${of}/members`, content: ['main tbody tr', 4] },
    { name: 'conflicts', hash: `${of}/conflicts`, content: ['main article', 10] },
    { name: 'sizes', hash: `${of}/sizes`, content: ['main figure svg, main svg', 1] },
    { name: 'snapshot and its files', hash: `${of}/s/${last}`, content: ['.window-list tbody tr', 5] },
    { name: 'flat folder of 20,000', hash: `${of}/s/${last}/files/${flat}`, content: ['.window-list tbody tr', 10] },
    { name: 'a file', hash: `${of}/s/${last}/files/${file}`, content: ['main pre', 1] },
    { name: 'diff of first and last', hash: `${of}/diff/${first}/${last}`, content: ['table.changes tbody tr', 10] },
    {
      name: 'a file of both, side by side',
      hash: `${of}/diff/${first}/${last}/text/${file}`,
      content: ['.text-diff', 1],
    },
    { name: 'activity', hash: '#/activity', content: ['section.activity h2', 3] },
    { name: 'health', hash: '#/health', content: ['section.health tbody tr', 3] },
  ];
}

export async function measureView(browser: Browser, url: string, view: View, runs: number): Promise<ViewCost> {
  const cost: ViewCost = { name: view.name, opened: [], within: [], requests: 0, bytes: 0 };
  const traffic: Tab['traffic'][] = [];
  // The first is not counted: it warms up the browser and the hub.
  for (let i = 0; i <= runs; i++) {
    await using tab = await Tab.open(browser);
    const opened = await open(tab, url, view);
    const asked = { ...tab.traffic };
    await using other = await Tab.open(browser);
    const within = await goFromElsewhere(other, url, view);
    if (i === 0) continue;
    cost.opened.push(opened);
    cost.within.push(within);
    traffic.push(asked);
  }
  cost.requests = median(traffic.map(({ requests }) => requests));
  cost.bytes = median(traffic.map(({ bytes }) => bytes));
  return cost;
}

/** Milliseconds from the navigation on, by the page's own clock. */
export async function open(tab: Tab, url: string, view: View): Promise<number> {
  await tab.page.goto(`${url}/${view.hash}`, { waitUntil: 'commit' });
  return usable(tab, view, 0);
}

async function goFromElsewhere(tab: Tab, url: string, view: View): Promise<number> {
  const elsewhere: View =
    view.name === 'activity'
      ? { name: 'health', hash: '#/health', content: ['section.health', 1] }
      : { name: 'activity', hash: '#/activity', content: ['section.activity', 1] };
  await open(tab, url, elsewhere);
  const from = await tab.page.evaluate<number>(goTo(view.hash));
  return usable(tab, view, from);
}

async function usable(tab: Tab, { content: [selector, least] }: View, from: number): Promise<number> {
  return (await tab.page.evaluate<number>(when(isUsable(selector, least)))) - from;
}
