/** Each view, opened by clicking from `/`, tells what the program put into the hub. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { assertSame, type Document } from '../../e2e/helpers/lab.ts';
import { useStory, useTabs } from './support/shared.ts';
import { becomes, heading, live, rowOf, shows, textOf } from './support/shown.ts';
import { BIG } from './support/story.ts';
import type { Tab } from './support/tabs.ts';

describe('page: views', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  const story = useStory();

  const open = (use: (tab: Tab) => Promise<void>): Promise<void> => tabs().use(story().hub.url, use);
  const main = (page: Page): Locator => page.getByRole('main');
  const link = (page: Page, name: string | RegExp): Locator => main(page).getByRole('link', { name, exact: true });
  const entry = (page: Page, name: string): Locator => page.getByRole('table').getByRole('link', { name, exact: true });
  const history = async (page: Page): Promise<void> => {
    await link(page, 'data').click();
    await shows(heading(page), 'data');
    await live(page);
  };
  const snapshot = async (page: Page, called: RegExp): Promise<void> => {
    await history(page);
    await link(page, called).click();
    await page.getByRole('table', { name: 'Files of the snapshot' }).waitFor();
  };
  const historyRow = (page: Page, text: string): Locator =>
    page.getByRole('table', { name: 'History' }).getByRole('row').filter({ hasText: text });

  it('overview: size, savings, age, members, followers and state of each volset', async () => {
    await open(async ({ page }) => {
      await link(page, 'data').waitFor();
      const row = await becomes(
        () => rowOf(page, 'Volume sets', 'data'),
        (found) => found.Snapshots === '6',
      );
      assert.deepEqual(
        [row.Branches, row.Members, row.Following, row.State],
        ['3', '2', '0', '1 conflict'],
        JSON.stringify(row),
      );
      assert.match(row.Size, /^293 KiB$/);
      assert.match(row.Stored, /^\d+ KiB$/);
      assert.match(row.Saved, /^8\d\.\d %$/, 'six snapshots of one large file');
      assert.match(row['Last snapshot'], /just now|minutes? ago/);
      assert.equal((await rowOf(page, 'Volume sets', 'pictures')).Snapshots, '1');
      await page.getByRole('button', { name: 'Snapshots' }).click();
      const sets = main(page).getByRole('rowheader').getByRole('link');
      assert.deepEqual(await sets.allInnerTexts(), ['data', 'pictures']);
      await page.getByRole('button', { name: 'Snapshots' }).click();
      assert.deepEqual(await sets.allInnerTexts(), ['pictures', 'data']);
    });
  });

  it('history: newest first, branches apart, a merge with both parents, tips of the hub and of members', async () => {
    await open(async ({ page }) => {
      await history(page);
      const open = page.getByRole('table', { name: 'History' }).getByRole('link');
      const titles = await open.allInnerTexts();
      assert.equal(titles.length, 6);
      assert.equal(titles[0], 'what ben thinks');
      assert.equal(titles.at(-1), 'first files');
      assert.match(await textOf(historyRow(page, '2 parents')), /branch\s+main/);
      assert.match(await textOf(historyRow(page, 'what ben thinks')), /branch\s+bens/);
      assert.match(await textOf(historyRow(page, 'what ben thinks')), /branch elsewhere\s+ben\/bens/);
      assert.match(await textOf(historyRow(page, 'a trial')), /branch\s+trial/);
      const column = async (text: string): Promise<number> =>
        (await historyRow(page, text).locator('svg .node').boundingBox())?.x ?? Number.NaN;
      assert.notEqual(await column('a trial'), await column('beside the trial'), 'branches stand beside each other');
      assert.equal(await historyRow(page, '2 parents').locator('svg .edge').count(), 3, 'one line in, two out');
    });
  });

  it('history: one branch alone', async () => {
    await open(async ({ page }) => {
      await history(page);
      await page.getByLabel('Branch').selectOption('trial');
      const open = page.getByRole('table', { name: 'History' }).getByRole('link');
      const titles = await becomes(
        () => open.allInnerTexts(),
        (found) => found.length === 3,
      );
      assert.deepEqual(titles, ['a trial', 'release-1 words as digits', 'first files']);
      await page.getByLabel('Branch').selectOption('');
      await becomes(
        () => open.count(),
        (count) => count === 6,
      );
    });
  });

  it('files: folders one by one, the text of a file, and back up', async () => {
    await open(async ({ page }) => {
      await snapshot(page, /words as digits/);
      await shows(heading(page), 'release-1');
      const names = page.getByRole('table', { name: 'Files of the snapshot' }).getByRole('link');
      assert.deepEqual(await names.allInnerTexts(), ['added.txt', 'data', 'readme.txt', 'src']);
      for (const folder of ['src', 'lib', 'deep', 'inner.txt']) await entry(page, folder).click();
      await shows(heading(page), 'inner.txt');
      await shows(page.getByRole('region', { name: 'Contents' }), 'deep inside');
      const crumbs = page.getByRole('navigation', { name: 'Folder' });
      assert.deepEqual(await crumbs.getByRole('listitem').allInnerTexts(), [
        'All files',
        'src',
        'lib',
        'deep',
        'inner.txt',
      ]);
      await crumbs.getByRole('link', { name: 'lib' }).click();
      await shows(heading(page), 'lib');
      await page.goBack();
      await shows(heading(page), 'inner.txt');
    });
  });

  it('files: search by name, at and below a folder', async () => {
    await open(async ({ page }) => {
      await snapshot(page, /words as digits/);
      const found = page.getByRole('table', { name: 'Found entries' }).getByRole('link');
      await page.getByRole('search').getByRole('searchbox').fill('INNER');
      await page.getByRole('button', { name: 'Find', exact: true }).click();
      assert.deepEqual(
        await becomes(
          () => found.allInnerTexts(),
          (all) => all.length > 0,
        ),
        ['src/lib/deep/inner.txt'],
      );
      await page.getByRole('search').getByRole('searchbox').fill('nothing has this');
      await page.keyboard.press('Enter');
      await shows(main(page), 'No name here contains that');
      await page.getByRole('button', { name: 'Clear' }).click();
      await entry(page, 'data').click();
      await shows(heading(page), 'data');
      await page.getByRole('searchbox').fill('.');
      await page.keyboard.press('Enter');
      assert.deepEqual(
        await becomes(
          () => found.allInnerTexts(),
          (all) => all.length > 0,
        ),
        ['data/big.bin'],
      );
    });
  });

  const saved = async (page: Page, click: () => Promise<void>): Promise<{ name: string; path: string }> => {
    const [download] = await Promise.all([page.waitForEvent('download'), click()]);
    return { name: download.suggestedFilename(), path: await download.path() };
  };

  it('files: one file is saved byte for byte, a folder as a tar that is that folder', async () => {
    await open(async ({ page }) => {
      await snapshot(page, /words as digits/);
      const tar = await saved(page, async () => {
        await entry(page, 'src').click();
        await page.getByRole('button', { name: 'Download folder as tar' }).click();
      });
      assert.equal(tar.name, 'src.tar');
      const [there, wanted] = [story().lab.path('from-tar'), story().lab.path('restored')];
      mkdirSync(there);
      execFileSync('tar', ['-xpf', tar.path, '-C', there]);
      await story().ada.run(['restore', 'release-1', 'src', '--to', wanted]);
      const root = execFileSync('find', [there, '-name', 'main.c'], { encoding: 'utf8' }).trim();
      assertSame(root.replace(/\/main\.c$/, ''), `${wanted}/src`);
      await page.goBack();
      await entry(page, 'data').click();
      const file = await saved(page, () => page.getByRole('button', { name: 'Download big.bin' }).click());
      assert.equal(file.name, 'big.bin');
      assert.ok(BIG.equals(readFileSync(file.path)));
      await shows(page.getByRole('region', { name: 'Downloads' }), 'saved, 293 KiB');
    });
  });

  it('diff: what was added, changed and deleted between two snapshots, and text side by side', async () => {
    await open(async ({ page }) => {
      await history(page);
      for (const text of ['first files', 'words as digits']) await historyRow(page, text).getByRole('checkbox').check();
      await page.getByRole('region', { name: 'Compare' }).getByRole('link', { name: 'Compare' }).click();
      await shows(heading(page), 'Changes between two snapshots');
      const rows = page.getByRole('table', { name: /^Changes/ }).getByRole('row');
      const changes = async (): Promise<string[]> =>
        (await rows.allInnerTexts()).slice(1).map((text) => text.replace(/\s+/g, ' ').trim());
      const all = await becomes(changes, (found) => found.length === 3);
      assert.deepEqual(
        all.map((text) => /^(.).*?(\S+\.txt)/.exec(text)?.slice(1).join(' ')),
        ['A added.txt', 'D old.txt', 'M readme.txt'],
      );
      assert.match(all[2], /14 B 17 B$/);
      await page.getByRole('button', { name: 'Deleted' }).click();
      assert.match((await becomes(changes, (found) => found.length === 1))[0], /old\.txt 14 B$/);
      await page.getByRole('button', { name: 'All', exact: true }).click();
      await link(page, /readme\.txt/).click();
      await shows(heading(page), 'readme.txt');
      const lines = await page.getByRole('table', { name: 'Text, before and after' }).getByRole('row').allInnerTexts();
      const text = lines.map((line) => line.replace(/\s+/g, ' ').trim());
      assert.deepEqual(text.slice(1), [
        '1 one 1 one',
        '2 − removed: two 2 + added: 2',
        '3 three 3 three',
        '4 + added: four',
      ]);
    });
  });

  it('diff: of a first snapshot everything is added, of a picture there is no text', async () => {
    await open(async ({ page }) => {
      await snapshot(page, /first files/);
      await link(page, 'all as added').click();
      await shows(main(page), 'nothing: all is shown as added');
      await link(page, /big\.bin/).click();
      await shows(main(page), /Not text.*not there.*293 KiB/);
    });
  });

  it('conflicts: initial, current and target of what two sides changed', async () => {
    await open(async ({ page }) => {
      await link(page, '1 conflict').click();
      await shows(main(page).getByRole('article'), /Description of volume set data/);
      const side = (name: RegExp): Promise<string> => textOf(main(page).getByRole('region', { name }));
      assert.match(await side(/^Initial/), /Everything that ada writes/);
      const both = [await side(/^Current/), await side(/^Target/)];
      assert.deepEqual(both.map((text) => /as (ada|ben) says/.exec(text)?.[1]).sort(), ['ada', 'ben']);
      assert.equal(both.filter((text) => text.includes('stands')).length, 1);
      const { conflicts } = await story().ben.run(['conflicts', 'list']);
      await shows(main(page), `plait conflicts resolve ${conflicts[0].id.slice(0, 12)} --current`);
    });
  });

  const tab = async (page: Page, name: RegExp): Promise<void> => {
    await history(page);
    await page.getByRole('navigation', { name: 'Volume set' }).getByRole('link', { name }).click();
    await live(page);
  };

  it('branches: where each ends', async () => {
    await open(async ({ page }) => {
      await tab(page, /^Branches 3/);
      const row = await becomes(
        () => rowOf(page, 'Branches', 'trial'),
        (found) => found['Newest snapshot'].includes('a trial'),
      );
      assert.ok(row['Newest snapshot'].startsWith(story().ids.trial.slice(0, 12)), row['Newest snapshot']);
      await page.getByRole('table', { name: 'Branches' }).getByRole('link').first().click();
      await shows(main(page), 'what ben thinks');
    });
  });

  it('members: who takes part, how far each is, and where its branches stood', async () => {
    await open(async ({ page }) => {
      await tab(page, /^Members 2/);
      const rows = page.getByRole('table', { name: 'Members' }).getByRole('row');
      await becomes(
        () => rows.count(),
        (count) => count === 3,
      );
      const { members } = await story().lab.run(['--store', story().hub.store, 'member', 'list']);
      const shown = (await rows.allInnerTexts()).join();
      const here = members.filter(({ store }: Document) => shown.includes(store.slice(0, 12)));
      assert.equal(here.length, 2, 'the third knows another volset only');
      await shows(rows, 'up to date');
      const bens = rows.filter({ has: page.getByText('ben', { exact: true }) });
      await bens.getByText('3 branches').click();
      await shows(bens.getByRole('listitem'), `bens ${story().ids.bens.slice(0, 12)}`);
    });
  });

  it('sizes: sums and a plot, and the same as a table', async () => {
    await open(async ({ page }) => {
      await tab(page, /^Sizes/);
      await shows(main(page), /All snapshots together hold 1\.7\d MiB, and \d+ KiB are stored: 8\d\.\d % saved/);
      assert.equal(await main(page).getByRole('img').count(), 2);
      await page.getByText('The same as a table').click();
      assert.equal(await page.getByRole('table', { name: 'Sizes over time' }).getByRole('row').count(), 7);
      await page.getByLabel('Logarithmic scale').click();
      await shows(main(page), /All snapshots, as if each was stored whole/);
    });
  });

  it('activity: what waits at the hub, and when things last went well', async () => {
    await open(async ({ page }) => {
      await page.getByRole('link', { name: 'Activity' }).click();
      await shows(heading(page), 'Activity');
      const queue = page.getByRole('table', { name: 'Queue to elsewhere' });
      assert.equal(await queue.getByRole('row').count(), 2);
      await shows(queue, 'waiting');
      await shows(main(page), /No transfer is in progress/);
    });
  });

  it('health: the checks of the hub, and rows of doctor with what to do', async () => {
    await open(async ({ page }) => {
      await page.getByRole('link', { name: 'Health' }).click();
      await shows(page.getByRole('table', { name: 'Checks of the hub' }), 'ok');
      const seen = page.getByRole('table', { name: 'Checks of the store' });
      await seen.waitFor();
      const doctor = await story().lab.run(['--store', story().hub.store, 'doctor'], [0, 18]);
      const names = (doctor.checks as { name: string }[]).map(({ name }) => name).sort();
      const cells = await seen.getByRole('row').locator('td:first-child').allInnerTexts();
      assert.deepEqual(cells.sort(), names);
    });
  });
});
