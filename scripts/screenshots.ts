/**
 * npm run screenshots: docs/images, made anew. A hub gets real data (the sources of this repository, some of its commits
 * after each other) from the program itself, with branches, merges, two people, a conflict and a queue; then Chromium looks at each view.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { type Sample, sampleHub } from './sample-hub.ts';

const root = join(import.meta.dirname, '..');
const images = join(root, 'docs/images');
const path64 = (path: string): string => Buffer.from(path).toString('base64url');

interface Shot {
  name: string;
  at: (sample: Sample) => string;
  /** That it shows what it is to show. */
  ready: RegExp;
  dark?: boolean;
  phone?: boolean;
}

const history = ({ volset }: Sample): string => `v/${volset}`;

const SHOTS: Shot[] = [
  { name: 'overview', at: () => '', ready: /volume sets,/ },
  { name: 'overview-dark', at: () => '', ready: /volume sets,/, dark: true },
  { name: 'overview-phone', at: () => '', ready: /volume sets,/, phone: true },
  { name: 'history', at: history, ready: /sources/ },
  { name: 'history-dark', at: history, ready: /sources/, dark: true },
  { name: 'history-phone', at: history, ready: /sources/, phone: true },
  { name: 'branches', at: ({ volset }) => `v/${volset}/branches`, ready: /main/ },
  { name: 'members', at: ({ volset }) => `v/${volset}/members`, ready: /workstation/ },
  { name: 'conflicts', at: ({ volset }) => `v/${volset}/conflicts`, ready: /stands/ },
  { name: 'sizes', at: ({ volset }) => `v/${volset}/sizes`, ready: /Each snapshot/ },
  { name: 'snapshot', at: ({ volset, newer }) => `v/${volset}/s/${newer}`, ready: /package\.json/ },
  {
    name: 'file',
    at: ({ volset, newer, text }) => `v/${volset}/s/${newer}/files/${path64(text)}`,
    ready: /import|export|const/,
  },
  { name: 'diff', at: ({ volset, older, newer }) => `v/${volset}/diff/${older}/${newer}`, ready: /changes/ },
  {
    name: 'text-diff',
    at: ({ volset, older, newer, text }) => `v/${volset}/diff/${older}/${newer}/text/${path64(text)}`,
    ready: /unchanged line/,
  },
  { name: 'activity', at: () => 'activity', ready: /offsite/ },
  { name: 'health', at: () => 'health', ready: /As doctor sees/ },
];

async function take(page: Page, sample: Sample, { name, at, ready }: Shot): Promise<void> {
  await page.goto(`${sample.url}/#/${at(sample)}`);
  await page.getByRole('main').filter({ hasText: ready }).waitFor();
  await page.getByRole('banner').getByRole('status').filter({ hasText: 'live' }).waitFor();
  // The focus is on the heading; lists are drawn in the frames that follow.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  const path = join(images, `${name}.png`);
  await page.screenshot({ path, animations: 'disabled' });
  process.stdout.write(`${name}.png ${Math.round(statSync(path).size / 1024)} KiB\n`);
}

async function main(): Promise<void> {
  mkdirSync(images, { recursive: true });
  execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { stdio: 'inherit' });
  await using sample = await sampleHub(root);
  const browser = await launchChromium();
  try {
    for (const shot of SHOTS) {
      const context = await browser.newContext({
        viewport: shot.phone ? { width: 380, height: 800 } : { width: 1280, height: 800 },
        colorScheme: shot.dark ? 'dark' : 'light',
        timezoneId: 'UTC',
      });
      await context.addInitScript(`sessionStorage.setItem('plait-token', ${JSON.stringify(sample.token)})`);
      await take(await context.newPage(), sample, shot);
      await context.close();
    }
  } finally {
    await browser.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`screenshots failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
