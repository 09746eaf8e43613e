/**
 * What a long history costs a browser: one page of it at first, and no more elements than the window shows, however long it
 * is. No times: `npm run bench -- --group page` measures those.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page, Response } from 'playwright-core';
import { placesOf } from '../../../bench/page/places.ts';
import { Served } from '../../../bench/page/served.ts';
import { makePageHub } from '../../../bench/page-hub.ts';
import { useTabs } from './support/shared.ts';
import { becomes, live } from './support/shown.ts';

const SIZE = { snapshots: 2000, branches: 40, files: 120, volsets: 3 };
/** Of the address that was opened, its feeds not included. */
const FIRST_BYTES = 300 * 1024;
const ELEMENTS = 2000;

const elements = (page: Page): Promise<number> => page.locator('*').count();

describe('page: a long history', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  const dir = mkdtempSync(join(tmpdir(), 'plait-page-size-'));
  let served: Served;
  let history: string;
  before(async () => {
    await makePageHub(dir, SIZE);
    served = await Served.start(dir);
    history = `${served.url}/#/v/${placesOf(dir).volset}`;
  });
  after(async () => {
    await served?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  it('one page of it is read at first, and no more elements are made than are seen', async () => {
    await tabs().use(history, async ({ page }) => {
      const rowsOf = page.getByRole('table', { name: 'History' }).getByRole('link');
      // What the page asked for before it was loaded again would be counted, too.
      await rowsOf.first().waitFor();
      await live(page);
      const answers: Response[] = [];
      page.on('response', (response) => answers.push(response));
      await page.reload();
      await rowsOf.first().waitFor();
      await live(page);
      const asked = answers.filter((response) => response.url().endsWith('/history'));
      assert.equal(asked.length, 1);
      const { rows } = (await asked[0].json()) as { rows: unknown[] };
      assert.equal(rows.length, 100);
      const whole = answers.filter((response) => !response.url().includes('/changes'));
      const bytes = await Promise.all(whole.map(async (response) => (await response.body()).length));
      const sum = bytes.reduce((all, one) => all + one, 0);
      assert.ok(sum <= FIRST_BYTES, `${sum} bytes, unpacked`);
      assert.ok((await elements(page)) <= ELEMENTS);
    });
  });

  it('more is read as one scrolls, a page at a time, and what went by is let go', async () => {
    await tabs().use(history, async ({ page, watch }) => {
      const pages = (): number => watch.urls.filter((url) => url.endsWith('/history')).length;
      const list = page.getByRole('table', { name: 'History' });
      await list.getByRole('link').first().waitFor();
      const end = page.getByText(`${SIZE.snapshots.toLocaleString('en')} snapshots, to the first.`);
      const scrolled = async (): Promise<number> => {
        await page.evaluate('scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" })');
        return end.count();
      };
      await becomes(scrolled, (found) => found === 1);
      assert.equal(pages(), SIZE.snapshots / 100, 'each page once');
      assert.ok((await elements(page)) <= ELEMENTS);
    });
  });

  it('what 40 branches end at is asked for in one request', async () => {
    await tabs().use(`${history}/branches`, async ({ page, watch }) => {
      await page
        .getByRole('table', { name: 'Branches' })
        .getByText(/ in main$|^merge /)
        .first()
        .waitFor();
      assert.deepEqual(watch.urls.filter((url) => url.includes('/snapshots/') || url.endsWith('/history')).length, 1);
    });
  });

  it('script and style are small', () => {
    const built = new URL('../../../dist/page/', import.meta.url);
    const files = readdirSync(built).filter((name) => /\.(js|css|html|svg)$/.test(name));
    const bytes = files.map((name) => readFileSync(new URL(name, built)));
    const sum = bytes.reduce((all, { length }) => all + length, 0);
    const packed = bytes.reduce((all, one) => all + gzipSync(one).length, 0);
    assert.ok(sum <= 150 * 1024, `${sum} bytes`);
    assert.ok(packed <= 60 * 1024, `${packed} bytes packed`);
  });
});
