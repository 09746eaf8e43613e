/** Tabs of a browser that looks at a hub; each has its own storage, is watched, and is closed when its test ends. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from '../../../../scripts/chromium.ts';
import { Watch } from './watch.ts';

export interface Tab {
  page: Page;
  watch: Watch;
}

/** Roomy: other tests run on the same machine. */
const LIMIT_MS = 20_000;

export class Tabs implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<Tabs> {
    return new Tabs(await launchChromium());
  }

  /** Loads `url` and hands the page to `use`; then nothing may have gone wrong on the way. */
  async use(url: string, use: (tab: Tab) => Promise<void>, options: BrowserContextOptions = {}): Promise<void> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(LIMIT_MS);
    const watch = new Watch(new URL(url).origin);
    try {
      await watch.begin(context);
      const page = await context.newPage();
      await page.goto(url);
      await use({ page, watch });
    } catch (error) {
      // Often the reason.
      if (watch.problems.length > 0) (error as Error).message += `\n${watch.problems.join('\n')}`;
      throw error;
    } finally {
      await context.close();
    }
    watch.check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
