/**
 * Everything that a page must never do, wherever a test leads it: errors and warnings on the console, uncaught errors, what the
 * security policy had to stop, requests that fail or go to another origin, sockets, dialogs (only a script would open one).
 */
import assert from 'node:assert/strict';
import type { BrowserContext, Page } from 'playwright-core';

/** Violations are told on the console as well, but not those of every kind. */
const TELL_VIOLATIONS = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy violation:', event.violatedDirective, event.blockedURI, event.sample))`;

export class Watch {
  /** Of all requests of all pages, in order. */
  readonly urls: string[] = [];
  /** Addresses that any page had. */
  readonly visited: string[] = [];
  readonly #problems: string[] = [];
  readonly #provoked: RegExp[] = [];
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async begin(context: BrowserContext): Promise<void> {
    await context.addInitScript(TELL_VIOLATIONS);
    context.on('page', (page) => this.#page(page));
    context.on('request', (request) => {
      this.urls.push(request.url());
      if (!this.#isOwn(request.url())) this.#note(`request off the origin: ${request.url()}`);
    });
    context.on('requestfailed', (request) => {
      const { errorText = 'failed' } = request.failure() ?? {};
      // Whoever leaves a view leaves its feed.
      if (errorText !== 'net::ERR_ABORTED') this.#note(`request failed: ${errorText} ${request.url()}`);
    });
    context.on('weberror', (error) => this.#note(`uncaught: ${error.error().stack ?? error.error()}`));
  }

  /** This test brings about what these tell of. */
  provoked(...patterns: RegExp[]): void {
    this.#provoked.push(...patterns);
  }

  get problems(): string[] {
    return this.#problems.filter((problem) => !this.#provoked.some((pattern) => pattern.test(problem)));
  }

  check(): void {
    assert.deepEqual(this.problems, []);
  }

  #page(page: Page): void {
    page.on('console', (message) => {
      const { url } = message.location();
      if (['error', 'warning', 'assert'].includes(message.type()))
        this.#note(`console ${message.type()}: ${message.text()} ${url}`);
    });
    page.on('websocket', (socket) => this.#note(`a socket to ${socket.url()}`));
    page.on('dialog', (dialog) => {
      this.#note(`dialog: ${dialog.message()}`);
      void dialog.dismiss().catch(() => {});
    });
    page.on('framenavigated', (frame) => this.visited.push(frame.url()));
    page.on('crash', () => this.#note('the page crashed'));
  }

  #isOwn(url: string): boolean {
    return url.replace(/^blob:/, '').startsWith(`${this.#origin}/`);
  }

  #note(problem: string): void {
    this.#problems.push(problem);
  }
}
