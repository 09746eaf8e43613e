/** The token: asked for once, kept for one tab, sent in a header and nowhere else, and of no use once it is revoked. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Document } from '../../e2e/helpers/lab.ts';
import { useTabs } from './support/shared.ts';
import { heading, live, pill, shows, textOf } from './support/shown.ts';
import { type Story, tellStory } from './support/story.ts';

const REFUSED = /status of 401/;

describe('page: the token', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  let story: Story;
  let reader: Document;
  let ofPictures: Document;
  before(async () => {
    story = await tellStory();
    reader = await create('--can', 'read', '--label', 'reader');
    ofPictures = await create('--can', 'read', '--volset', 'pictures');
  });
  after(() => story[Symbol.asyncDispose]());

  const create = (...flags: string[]): Promise<Document> =>
    story.lab.run(['--store', story.hub.store, 'token', 'create', ...flags]);
  const field = (page: Page) => page.getByLabel('Token', { exact: true });
  const sets = (page: Page) => page.getByRole('main').getByRole('link', { name: /^(data|pictures)$/ });
  const give = async (page: Page, token: string): Promise<void> => {
    await field(page).fill(token);
    await page.getByRole('button', { name: 'Open' }).click();
  };
  const opened = async (page: Page, token: string): Promise<void> => {
    await give(page, token);
    await sets(page).first().waitFor();
    await live(page);
  };

  it('is asked for once; a wrong one is refused in words; a reload keeps it, another tab does not have it', async () => {
    await tabs().use(story.hub.url, async ({ page, watch }) => {
      watch.provoked(REFUSED);
      await shows(heading(page), 'asks for a token');
      assert.equal(await field(page).evaluate((element) => element.matches(':focus')), true, 'one can type at once');
      assert.equal(await field(page).getAttribute('type'), 'password');
      await give(page, 'no’token');
      await shows(page.getByRole('alert'), /no token/);
      await give(page, 'hunter2hunter2');
      await shows(page.getByRole('alert'), /not valid|not take/);
      assert.equal(await page.title(), 'Token · plait');
      await opened(page, reader.token);
      assert.deepEqual(await sets(page).allInnerTexts(), ['data', 'pictures']);
      await page.reload();
      await sets(page).first().waitFor();
      await live(page);
      const other = await page.context().newPage();
      await other.goto(story.hub.url);
      await field(other).waitFor();
      await other.close();
    });
  });

  it('stands in no address, no cookie, and no storage that outlives the tab', async () => {
    await tabs().use(story.hub.url, async ({ page, watch }) => {
      watch.provoked(REFUSED);
      await opened(page, reader.token);
      await sets(page).first().click();
      await live(page);
      await page.goBack();
      await page.reload();
      await sets(page).first().waitFor();
      const secret = reader.token as string;
      for (const url of [...watch.urls, ...watch.visited, page.url()]) assert.ok(!url.includes(secret), url);
      const { cookies, origins } = await page.context().storageState({ indexedDB: true });
      assert.deepEqual([cookies, origins], [[], []]);
      const html = await page.content();
      assert.ok(!html.includes(secret), 'nor in the document');
    });
  });

  it('one that is revoked while the page is open: what was shown goes, and it is asked for again', async () => {
    const brief = await create('--can', 'read');
    await tabs().use(story.hub.url, async ({ page, watch }) => {
      watch.provoked(REFUSED, /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET/);
      await opened(page, brief.token);
      await sets(page).first().click();
      await shows(heading(page), 'data');
      await live(page);
      await page.getByRole('table', { name: 'History' }).getByRole('link').last().click();
      await page.getByRole('button', { name: /^Download all/ }).click();
      const downloads = page.getByRole('region', { name: 'Downloads' });
      await shows(downloads, 'saved');
      await page.goBack();
      await live(page);
      await story.lab.run(['--store', story.hub.store, 'token', 'revoke', brief.id]);
      await shows(heading(page), 'asks for a token');
      assert.equal(await downloads.isVisible(), false, 'names of what was saved are gone');
      assert.doesNotMatch(await textOf(page.locator('body')), /first files|Everything that ada writes|pictures/);
      await page.reload();
      await give(page, reader.token);
      await shows(heading(page), 'data');
    });
  });

  it('is forgotten when one says so', async () => {
    await tabs().use(story.hub.url, async ({ page, watch }) => {
      watch.provoked(REFUSED);
      await opened(page, reader.token);
      await page.getByRole('button', { name: 'Forget token' }).click();
      await field(page).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Forget token' }).isVisible(), false);
      await page.reload();
      await field(page).waitFor();
    });
  });

  it('one for a volset sees that one, and no name or number of others', async () => {
    await tabs().use(story.hub.url, async ({ page, watch }) => {
      watch.provoked(REFUSED);
      await opened(page, ofPictures.token);
      assert.deepEqual(await sets(page).allInnerTexts(), ['pictures']);
      const { volsets } = await story.lab.run(['--store', story.hub.store, 'volset', 'list']);
      const { id } = volsets.find(({ name }: Document) => name === 'data');
      for (const place of ['#/', '#/activity', '#/health']) {
        await page.goto(`${story.hub.url}/${place}`);
        await live(page);
        assert.doesNotMatch(await textOf(page.getByRole('main')), new RegExp(`\\bdata\\b.*ada|${id}`), place);
      }
      await shows(page.getByRole('main'), /whole store|all volume sets|all of it/);
      watch.provoked(/status of 40[34]/);
      await page.goto(`${story.hub.url}/#/v/${id}`);
      await page.getByRole('alert').waitFor();
      assert.doesNotMatch(await textOf(page.getByRole('main')), /first files|Everything that ada/);
    });
  });

  it('one that may not read is told so', async () => {
    const writer = await create('--can', 'append');
    await tabs().use(story.hub.url, async ({ page, watch }) => {
      watch.provoked(REFUSED);
      await give(page, writer.token);
      await shows(page.getByRole('main'), 'may not read');
      assert.match(await textOf(pill(page)), /connecting/);
    });
  });
});
