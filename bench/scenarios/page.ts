/**
 * The page of a hub at size: a store of 10,000 snapshots on 200 branches with 80,000 files each, looked at with a browser
 * that has never been there. Figures of different kinds, so tables of their own; goals as elsewhere.
 */
import { loadavg } from 'node:os';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../scripts/chromium.ts';
import { type Places, placesOf } from '../page/places.ts';
import { measurePushes, Pusher } from '../page/pushes.ts';
import { asksOf, measureRoute } from '../page/routes.ts';
import { measureScroll } from '../page/scroll.ts';
import { measureSearch } from '../page/search.ts';
import { Served } from '../page/served.ts';
import { delayTable, pushTable, routeTable, scrollLines, searchLines, viewTable } from '../page/tables.ts';
import { measureView, type View, viewsOf } from '../page/views.ts';
import { makePageHub, PAGE_HUB } from '../page-hub.ts';
import { at, type Bench } from '../tools.ts';

export interface PageOptions {
  runs: number;
  /** A store that bench/page-hub.ts made; absent: one is made. Pushes are added to it. */
  hub: string | undefined;
  log: (line: string) => void;
}

interface Stage extends PageOptions {
  bench: Bench;
  browser: Browser;
  places: Places;
  served: Served;
}

type Delayed = Parameters<typeof delayTable>[0];

export async function measurePage(bench: Bench, options: PageOptions): Promise<string> {
  const dir = options.hub ?? (await made(bench, 'page-hub', PAGE_HUB, options));
  await using browser = await launchChromium();
  const loads = [loadavg()[0]];
  await using served = await Served.start(dir);
  const places = placesOf(dir);
  const parts = await allParts({ ...options, bench, browser, places, served });
  const many = await manyVolsets(bench, browser, options);
  loads.push(loadavg()[0]);
  const load = `Median of ${options.runs} runs, load ${loads.map((value) => value.toFixed(1)).join(' to ')}.`;
  return ['### The page', '', load, '', ...parts, ...many].join('\n');
}

async function made(
  bench: Bench,
  name: string,
  size: typeof PAGE_HUB,
  { log }: Pick<PageOptions, 'log'>,
): Promise<string> {
  const dir = at(bench, name);
  await makePageHub(dir, size, log);
  return dir;
}

async function allParts(stage: Stage): Promise<string[]> {
  const { browser, places, served, bench, log } = stage;
  const { url } = served;
  const views = viewsOf(places);
  const viewNamed = (name: string): View => views.find((view) => view.name === name) as View;
  const delayed: Delayed = [];
  const beside = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    log(`page: ${what}`);
    const { result, delays } = await served.delaysDuring(work);
    delayed.push([what, delays, served.rss]);
    return result;
  };
  await beside('nothing', () => new Promise((resolve) => setTimeout(resolve, 2000)));
  const opened = await beside('views', () => eachView(stage, views));
  const scrolled = await beside('scrolling', () => measureScroll(browser, url, viewNamed('history'), places.snapshots));
  const found = await beside('search', () => measureSearch(browser, url, viewNamed('snapshot and its files')));
  const routes = await beside('routes, 20 clients at once', () => eachRoute(stage));
  const pusher = await Pusher.begin(at(bench, 'page-pusher'), url);
  const pushes = [];
  for (const pages of [0, 20]) {
    const measure = () => measurePushes(browser, served, pusher, { pages, pushes: 10 });
    pushes.push(await beside(`pushes, ${pages} pages open`, measure));
  }
  return [
    ...viewTable(opened),
    ...scrollLines(scrolled, places.snapshots),
    ...searchLines(found),
    ...routeTable(routes),
    ...delayTable(delayed),
    ...pushTable(pushes),
  ];
}

async function eachView({ browser, served, runs, log }: Stage, views: View[]) {
  const costs = [];
  for (const view of views) {
    costs.push(await measureView(browser, served.url, view, runs));
    log(`page: ${view.name}: ${costs.at(-1)?.opened.map(Math.round)}, ${costs.at(-1)?.within.map(Math.round)} ms`);
  }
  return costs;
}

async function eachRoute({ places, served, log }: Stage) {
  const costs = [];
  for (const ask of asksOf(places)) {
    costs.push(await measureRoute(served.url, ask));
    log(`page: ${ask.name}: ${JSON.stringify(costs.at(-1))}`);
  }
  return costs;
}

/** The overview alone, of a hub with 1,000 volsets. */
async function manyVolsets(bench: Bench, browser: Browser, options: PageOptions): Promise<string[]> {
  const size = { snapshots: 50, branches: 3, files: 200, volsets: 1000 };
  const dir = await made(bench, 'page-volsets', size, options);
  await using served = await Served.start(dir);
  const places = placesOf(dir);
  const [view] = viewsOf(places);
  const route = await measureRoute(served.url, asksOf(places)[0]);
  const cost = await measureView(browser, served.url, view, options.runs);
  return ['With 1,000 volsets:', '', ...viewTable([cost]), ...routeTable([route])];
}
