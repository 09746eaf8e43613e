/** Names, texts and files by somebody hostile: shown as they are, never acted upon. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { showText } from '../../../src/core/paths.ts';
import { type Document, type Hub, Lab } from '../../e2e/helpers/lab.ts';
import { BRANCHES, DESCRIPTION, FILES, RAW } from './support/hostile.ts';
import { relabel } from './support/label.ts';
import { useTabs } from './support/shared.ts';
import { becomes, heading, live, shows } from './support/shown.ts';
import { type Desk, desk } from './support/story.ts';
import type { Tab } from './support/tabs.ts';

declare const window: { hacked?: unknown };
const VOLSET = '"><img/src=x/onerror=window.hacked=1>';
const LABEL = `<img src=x onerror="window.hacked=1">\u202e`;
const FOLDER = '<b onmouseover=window.hacked=1>folder';

describe('page: evil names', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  let lab: Lab;
  let hub: Hub;
  let mallory: Desk;
  let reader: Document;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    const token = (...flags: string[]): Promise<Document> =>
      lab.run(['--store', hub.store, 'token', 'create', ...flags]);
    const writer = await token('--can', 'read,append,write', '--label', LABEL);
    reader = await token('--can', 'read');
    await lab.run(['init', lab.path('mallory'), '--volset', VOLSET]);
    mallory = desk(lab, 'mallory');
    relabel(mallory.dir, LABEL);
    writeFileSync(lab.path('token'), writer.token, { mode: 0o600 });
    await mallory.run(['remote', 'add', 'origin', hub.url, '--token-file', lab.path('token')]);
    for (const branch of BRANCHES) await mallory.snapshot('a branch', '--branch', branch);
    for (const [name, content] of FILES) mallory.write(name, content);
    writeFileSync(Buffer.concat([Buffer.from(`${mallory.dir}/`), RAW[0]]), 'raw');
    mkdirSync(join(mallory.dir, FOLDER));
    mallory.write(`${FOLDER}/inside`, 'inside');
    await mallory.snapshot(DESCRIPTION, '--name', '<b>bold</b>', '--attr', '<i>k</i>=<script>1</script>');
    await mallory.run(['update', '--description', DESCRIPTION]);
    await mallory.run(['push']);
  });
  after(() => lab[Symbol.asyncDispose]());

  /** Nothing ran, and nothing became an element: the page itself has neither pictures nor frames. */
  const harmless = async (page: Page): Promise<void> => {
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator('main').locator('img, script, iframe, object, embed, i, b, #rendered').count(), 0);
    const ways = await page.locator('a').evaluateAll((links) => links.map((link) => String(link)));
    assert.deepEqual(
      ways.filter((href) => !href.startsWith(`${hub.url}/`)),
      [],
    );
    const styled = await page
      .locator('main')
      .getByText(/[\u0001\u001b\u202a-\u202e]/)
      .count();
    assert.equal(styled, 0, 'what acts on the text around it is spelled out');
  };
  const opened = (use: (tab: Tab) => Promise<void>): Promise<void> =>
    tabs().use(hub.url, async (tab) => {
      tab.watch.provoked(/status of 401/);
      await tab.page.getByLabel('Token', { exact: true }).fill(reader.token);
      await tab.page.keyboard.press('Enter');
      await tab.page.getByRole('link', { name: VOLSET }).waitFor();
      await use(tab);
    });
  const history = async (page: Page): Promise<void> => {
    await page.getByRole('link', { name: VOLSET }).click();
    await shows(heading(page), VOLSET);
    await live(page);
  };
  const files = async (page: Page): Promise<void> => {
    await history(page);
    await page.getByRole('table', { name: 'History' }).getByRole('link').first().click();
    await page.getByRole('table', { name: 'Files of the snapshot' }).waitFor();
  };

  it('volset, branches, members, descriptions, attributes: shown in each view', async () => {
    await opened(async ({ page }) => {
      const main = page.getByRole('main');
      await shows(main, '\\u202ereversed');
      await harmless(page);
      await history(page);
      await harmless(page);
      for (const branch of BRANCHES)
        assert.equal(
          await page
            .getByLabel('Branch')
            .locator('option', { hasText: showText(branch) })
            .count(),
          1,
          branch,
        );
      const tab = page.getByRole('navigation', { name: 'Volume set' }).getByRole('link');
      await tab.filter({ hasText: 'Branches' }).click();
      for (const branch of BRANCHES) await main.getByText(showText(branch), { exact: true }).first().waitFor();
      await harmless(page);
      await tab.filter({ hasText: 'Members' }).click();
      await main.getByText(showText(LABEL), { exact: true }).waitFor();
      await harmless(page);
    });
  });

  it('files and folders: each is listed, opens, and is saved under a name that is only a name', async () => {
    await opened(async ({ page }) => {
      await files(page);
      await harmless(page);
      await shows(heading(page), '<b>bold</b>');
      const list = page.getByRole('table', { name: 'Files of the snapshot' });
      const shown = [...FILES.map(([name]) => showText(name)), RAW[1]];
      const entry = (name: string): Locator => list.getByRole('link').getByText(name, { exact: true });
      for (const name of [...shown, FOLDER]) await entry(name).waitFor();
      const contents = page.getByRole('region', { name: 'Contents' });
      for (const [i, name] of shown.entries()) {
        await entry(name).click();
        await shows(heading(page), name);
        await becomes(
          () => contents.textContent(),
          (text) => text === (FILES[i]?.[1] ?? 'raw'),
        );
        await harmless(page);
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page
            .getByRole('main')
            .getByRole('button', { name: /^Download/ })
            .click(),
        ]);
        assert.match(download.suggestedFilename(), /^[^/\\:<>"|?*\p{Cc}\p{Cf}]{1,255}$/u);
        assert.doesNotMatch(download.suggestedFilename(), /^\.|^$/);
        assert.equal(readFileSync(await download.path(), 'utf8'), FILES[i]?.[1] ?? 'raw');
        await page.goBack();
        await list.waitFor();
      }
      await entry(FOLDER).click();
      await shows(heading(page), FOLDER);
      await shows(page.getByRole('table'), 'inside');
      await harmless(page);
    });
  });

  it('HTML and pictures with scripts: opened at their address they are saved, and nothing of them runs', async () => {
    await opened(async ({ page }) => {
      await files(page);
      const [, volset, snapshot] = /v\/(\w+)\/s\/(\w+)/.exec(page.url()) ?? [];
      for (const name of ['page.html', 'picture.svg']) {
        const path = Buffer.from(name).toString('base64url');
        const { headers, status } = await fetch(
          `${hub.url}/v1/volsets/${volset}/snapshots/${snapshot}/file?path=${path}`,
          { headers: { authorization: `Bearer ${reader.token}` } },
        );
        assert.equal(status, 200);
        assert.match(headers.get('content-disposition') ?? '', /^attachment/);
        assert.match(headers.get('content-type') ?? '', /^application\/octet-stream/);
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        assert.match(headers.get('content-security-policy') ?? '', /sandbox/);
      }
    });
  });
});
