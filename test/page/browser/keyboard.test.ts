/** From the overview to a file by keys alone, as who sees the focus, and who hears it, goes. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { useStory, useTabs } from './support/shared.ts';
import { becomes, heading, live, shows } from './support/shown.ts';

declare const document: { activeElement: { textContent: string; tagName: string } };
/** No view of the story has as many stops. */
const MOST = 60;

describe('page: by keyboard', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  const story = useStory();

  const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement.textContent.trim());
  /** Tab by tab, as far as it is there. */
  const tabTo = async (page: Page, text: RegExp, key = 'Tab'): Promise<void> => {
    const passed: string[] = [];
    for (let i = 0; i < MOST; i++) {
      await page.keyboard.press(key);
      passed.push(await focused(page));
      if (text.test(passed.at(-1) ?? '')) return;
    }
    assert.fail(`no ${text} in ${JSON.stringify(passed)}`);
  };

  it('overview, history, snapshot, folder, file, and back', async () => {
    await tabs().use(story().hub.url, async ({ page }) => {
      await shows(page.getByRole('main'), /2 volume sets/);
      await tabTo(page, /^data$/);
      await page.keyboard.press('Enter');
      await shows(heading(page), 'data');
      await live(page);
      await tabTo(page, /what ben thinks/);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('End');
      await becomes(
        () => focused(page),
        (text) => /first files/.test(text),
      );
      await page.keyboard.press('ArrowUp');
      await becomes(
        () => focused(page),
        (text) => /words as digits/.test(text),
      );
      await page.keyboard.press('Enter');
      await shows(heading(page), 'release-1');
      await tabTo(page, /^added\.txt$/);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      assert.equal(await focused(page), 'readme.txt');
      await page.keyboard.press('Enter');
      await shows(heading(page), 'readme.txt');
      await shows(page.getByRole('region', { name: 'Contents' }), 'four');
      await tabTo(page, /^All files$/);
      await page.keyboard.press('Enter');
      await shows(heading(page), 'release-1');
    });
  });

  it('the first stop skips to the content; the focus can be seen', async () => {
    await tabs().use(story().hub.url, async ({ page }) => {
      await shows(page.getByRole('main'), /2 volume sets/);
      await tabTo(page, /^Skip to content$/, 'Shift+Tab');
      assert.equal(await page.getByRole('link', { name: 'Skip to content' }).isVisible(), true);
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement.tagName), 'MAIN');
      await page.keyboard.press('Tab');
      const outline = await page.locator(':focus').evaluate((element) => {
        const style = (element as unknown as { computedStyleMap(): Map<string, object> }).computedStyleMap();
        return `${style.get('outline-style')} ${style.get('outline-width')}`;
      });
      assert.equal(outline, 'solid 3px');
    });
  });
});
