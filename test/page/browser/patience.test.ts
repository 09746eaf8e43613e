/** A page that is patient with its hub: what is slow, behind, or looked at by nobody is not asked without end. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { VolsetDetails } from '../../../src/wire/views.ts';
import { useStory, useTabs } from './support/shared.ts';
import { heading, live, pill, shows, textOf } from './support/shown.ts';

/** As if the tab was put into the background, or to the front again. */
const putTo = (page: Page, state: 'hidden' | 'visible'): Promise<void> =>
  page.evaluate(
    `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
     Object.defineProperty(document, 'hidden', { value: ${state === 'hidden'}, configurable: true });
     document.dispatchEvent(new Event('visibilitychange'));`,
  );

describe('page: patience', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  const story = useStory();

  it('a state that lags behind the feed is asked for again, twice a second at most', async () => {
    await tabs().use(story().hub.url, async ({ page }) => {
      const asked: number[] = [];
      await page.route('**/view', async (route) => {
        asked.push(performance.now());
        const response = await route.fetch();
        const state = (await response.json()) as VolsetDetails;
        await route.fulfill({ response, json: asked.length < 4 ? { ...state, revision: 1 } : state });
      });
      await page.getByRole('link', { name: 'data', exact: true }).click();
      await shows(heading(page), 'data');
      await live(page);
      const gaps = asked.slice(1, 4).map((at, i) => at - asked[i]);
      assert.equal(gaps.length, 3);
      assert.ok(Math.min(...gaps) > 400, `asked again after ${gaps.map(Math.round)} ms`);
    });
  });

  it('a hub that is away when the page begins is asked again by itself', async () => {
    await tabs().use(story().hub.url, async ({ page, watch }) => {
      watch.provoked(/ERR_FAILED/, /ERR_FAILED/);
      await live(page);
      await page.clock.install();
      await page.route('**/v1/token', (route) => route.abort());
      await page.reload();
      await shows(heading(page), 'Not shown');
      await page.unroute('**/v1/token');
      await page.clock.fastForward(5000);
      await shows(heading(page), 'Volume sets');
    });
  });

  it('a view that is left before it has begun draws nothing over the next', async () => {
    await tabs().use(story().hub.url, async ({ page }) => {
      await live(page);
      await page.clock.install();
      await page.route(`**/v1/volsets/${story().volset}/changes*`, () => {});
      await page.evaluate(`location.hash = '#/v/${story().volset}/branches'`);
      await page.evaluate("location.hash = '#/activity'");
      await shows(heading(page), 'Activity');
      await page.clock.fastForward(1000);
      assert.equal(await textOf(heading(page)), 'Activity');
    });
  });

  it('where nobody looks the feed is closed, said in words, and opened again when somebody does', async () => {
    await tabs().use(story().hub.url, async ({ page }) => {
      await page.getByRole('link', { name: 'data', exact: true }).click();
      await shows(heading(page), 'data');
      await live(page);
      await page.clock.install();
      await putTo(page, 'hidden');
      await page.clock.fastForward(21_000);
      await shows(pill(page), 'paused');
      await putTo(page, 'visible');
      await live(page);
    });
  });
});
