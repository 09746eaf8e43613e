/** Headless Chromium, and what a page in it asks of the hub. */
import type { Browser, Page } from 'playwright-core';

export interface Traffic {
  requests: number;
  bytes: number;
}

/** A page with nothing in its cache, whose traffic is counted. */
export class Tab implements AsyncDisposable {
  readonly page: Page;
  readonly traffic: Traffic = { requests: 0, bytes: 0 };

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(browser: Browser): Promise<Tab> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    const page = await context.newPage();
    const tab = new Tab(page);
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    // Feeds never finish, so bytes are counted as they come.
    const seen = new Map<string, number>();
    cdp.on('Network.requestWillBeSent', () => tab.traffic.requests++);
    cdp.on('Network.responseReceived', ({ requestId, response }) =>
      tab.#count(seen, requestId, response.encodedDataLength),
    );
    cdp.on('Network.dataReceived', ({ requestId, dataLength, encodedDataLength }) =>
      tab.#count(seen, requestId, encodedDataLength || dataLength),
    );
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) =>
      tab.#count(seen, requestId, encodedDataLength - (seen.get(requestId) ?? 0)),
    );
    return tab;
  }

  /** Of what comes from now on. */
  reset(): void {
    this.traffic.requests = 0;
    this.traffic.bytes = 0;
  }

  #count(seen: Map<string, number>, id: string, bytes: number): void {
    seen.set(id, (seen.get(id) ?? 0) + bytes);
    this.traffic.bytes += bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
