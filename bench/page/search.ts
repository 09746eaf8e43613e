/** Search by name over the whole tree, as one types it. */
import type { Browser } from 'playwright-core';
import { Tab } from './browser.ts';
import { NOW, SEARCHED, shows, when } from './in-page.ts';
import { open, type View } from './views.ts';

export interface SearchCost {
  /** Milliseconds until the first row stands there, and until all of the tree has been looked at. */
  first: number;
  whole: number;
  requests: number;
}

const RARE = 'img_01999';

export async function measureSearch(browser: Browser, url: string, files: View): Promise<SearchCost> {
  await using tab = await Tab.open(browser);
  await open(tab, url, files);
  tab.reset();
  const { page } = tab;
  await page.getByRole('searchbox').fill(RARE);
  const from = await page.evaluate<number>(NOW);
  await page.getByRole('searchbox').press('Enter');
  const since = async (done: string): Promise<number> => (await page.evaluate<number>(when(done))) - from;
  const first = await since(shows('.found tbody tr', 1));
  const whole = await since(SEARCHED);
  return { first, whole, requests: tab.traffic.requests };
}
