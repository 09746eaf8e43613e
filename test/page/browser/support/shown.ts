/** Where things are on the page, by what people and screen readers go by: roles and labels. */
import type { Locator, Page } from 'playwright-core';

export const heading = (page: Page): Locator => page.getByRole('heading', { level: 1 });

export const pill = (page: Page): Locator => page.getByRole('banner').getByRole('status');

/** Resolves when the feed that is shown is whole. */
export const live = (page: Page): Promise<void> => shows(pill(page), /live/);

/** Waits until the text of it matches. */
export async function shows(locator: Locator, text: string | RegExp): Promise<void> {
  await locator.filter({ hasText: text }).first().waitFor();
}

/** Waits until `get` gives what is wanted; else tells what it gave. */
export async function becomes<T>(get: () => Promise<T>, wanted: (value: T) => boolean, ms = 20_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const value = await get();
    if (wanted(value)) return value;
    if (performance.now() > end) throw new Error(`still ${JSON.stringify(value)} after ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** As it is laid out: what is hidden is no part of it. */
// biome-ignore lint/performance/useDomNodeTextContent: what people can see is what is asked for
export const textOf = (locator: Locator): Promise<string> => locator.innerText();

/** Cells of the first row that begins with `name`, by the heads of their columns. */
export async function rowOf(page: Page, table: string, name: string): Promise<Record<string, string>> {
  const rows = page.getByRole('table', { name: table }).getByRole('row');
  const heads = await rows.getByRole('columnheader').allInnerTexts();
  const begins = page.getByRole('rowheader').or(page.getByRole('cell')).getByText(name, { exact: true });
  const cells = rows.filter({ has: begins }).first().locator('th, td, [role=cell], [role=rowheader]');
  return Object.fromEntries((await cells.allInnerTexts()).map((text, i) => [heads[i], text.trim()]));
}
