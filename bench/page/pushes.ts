/** Pushes of small snapshots while pages stand open that show them: what a page costs those who work. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { median, run } from '../measure.ts';
import { fresh, plait } from '../tools.ts';
import { Tab } from './browser.ts';
import type { Served } from './served.ts';
import { open, type View } from './views.ts';

export interface PushCost {
  pages: number;
  /** Seconds of each push. */
  seconds: number[];
  /** Seconds of processor time of the hub for each. */
  cpu: number;
  /** Milliseconds from the end of the push until all pages show the new snapshot; median. */
  shown: number | undefined;
}

export class Pusher {
  readonly #dir: string;
  #edits = 0;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async begin(dir: string, url: string): Promise<Pusher> {
    await fresh(dir);
    const pusher = new Pusher(dir);
    await run(plait('init', dir, '--volset', `pushed-${Date.now()}`));
    await run(plait('-C', dir, 'remote', 'add', 'origin', url));
    await pusher.push();
    return pusher;
  }

  /** The new snapshot, and the seconds of its push. */
  async push(): Promise<{ id: string; seconds: number }> {
    await writeFile(join(this.#dir, 'file'), `edit ${++this.#edits}\n`);
    const { stdout } = await run(plait('-C', this.#dir, 'snapshot', '--json'));
    const { seconds } = await run(plait('-C', this.#dir, 'push'));
    return { id: (JSON.parse(stdout) as { snapshot: string }).snapshot, seconds };
  }

  async volset(): Promise<string> {
    const { stdout } = await run(plait('-C', this.#dir, 'volset', 'list', '--json'));
    return (JSON.parse(stdout) as { volsets: { id: string }[] }).volsets[0].id;
  }
}

export async function measurePushes(
  browser: Browser,
  served: Served,
  pusher: Pusher,
  { pages, pushes }: { pages: number; pushes: number },
): Promise<PushCost> {
  const hash = `#/v/${await pusher.volset()}`;
  const history: View = { name: 'history', hash, content: ['[aria-label=History] a.open', 1] };
  await using stack = new AsyncDisposableStack();
  const tabs: Tab[] = [];
  for (let i = 0; i < pages; i++) {
    const tab = stack.use(await Tab.open(browser));
    await open(tab, served.url, history);
    tabs.push(tab);
  }
  const seconds: number[] = [];
  const shown: number[] = [];
  const before = served.cpu;
  for (let i = 0; i < pushes; i++) {
    const made = await pusher.push();
    seconds.push(made.seconds);
    const from = performance.now();
    await Promise.all(tabs.map(({ page }) => page.waitForSelector(`a.open[href$="${made.id}"]`, { timeout: 30_000 })));
    shown.push(performance.now() - from);
  }
  const cpu = (served.cpu - before) / pushes;
  return { pages, seconds, cpu, shown: pages > 0 ? median(shown) : undefined };
}
