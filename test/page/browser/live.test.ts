/** What other processes push appears by itself; what is deleted goes; a hub that was away is found again. */
import assert from 'node:assert/strict';
import { type Hub, Lab } from '../../e2e/helpers/lab.ts';
import { useTabs } from './support/shared.ts';
import { becomes, heading, live, pill, rowOf, shows, textOf } from './support/shown.ts';
import { type Desk, newDesk } from './support/story.ts';

const flat = (text: string): string => text.replace(/\s+/g, ' ');

describe('page: live', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  let lab: Lab;
  let hub: Hub;
  let ada: Desk;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    ada = await newDesk(lab, hub, 'ada');
    ada.write('one.txt', 'one\n');
    await ada.snapshot('the first');
    await ada.run(['push']);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const pushed = async (name: string): Promise<void> => {
    ada.write(`${name}.txt`, name);
    await ada.snapshot(name);
    await ada.run(['push']);
  };
  /** A second volset, which can be deleted from the first one's directory. */
  const other = async (): Promise<Desk> => {
    const made = await newDesk(lab, hub, 'other-desk', 'brief');
    made.write('a', 'a');
    await made.snapshot('soon gone');
    await made.run(['push']);
    return made;
  };

  it('a push shows in the overview and in the history, without a reload', async () => {
    await tabs().use(hub.url, async ({ page }) => {
      await live(page);
      await page.evaluate('window.sameDocument = true');
      await other();
      await page.getByRole('link', { name: 'brief', exact: true }).waitFor();
      await pushed('the second');
      await becomes(
        async () => (await rowOf(page, 'Volume sets', 'data')).Snapshots,
        (count) => count === '2',
      );
      await page.getByRole('link', { name: 'data', exact: true }).click();
      await shows(heading(page), 'data');
      await live(page);
      await shows(page.getByRole('main'), /the second/);
      await pushed('the third');
      await shows(page.getByRole('main'), /the third/);
      // The branch has moved on from it, and from nowhere else.
      const says = async () =>
        (await page.getByRole('table', { name: 'History' }).getByRole('row').allInnerTexts()).map(flat);
      await becomes(says, (rows) => /the third.*main/.test(rows[1]) && !rows.slice(2).some((row) => /main/.test(row)));
      for (const width of [380, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        await shows(page.getByRole('main'), /the first/);
      }
      await ada.run(['branch', 'create', 'late-branch']);
      await ada.run(['push']);
      await shows(page.getByRole('main'), /late-branch/);
      await live(page);
      assert.equal(await page.evaluate('window.sameDocument'), true);
    });
  });

  it('a volset that is deleted while it is shown: said in words, and gone from the overview', async () => {
    await other();
    await tabs().use(hub.url, async ({ page, watch }) => {
      watch.provoked(/status of 404/);
      await page.getByRole('link', { name: 'brief', exact: true }).click();
      await shows(page.getByRole('main'), /soon gone/);
      await live(page);
      await lab.run(['--store', hub.store, 'volset', 'delete', 'brief', '--force']);
      await shows(page.getByRole('main').getByRole('alert'), /deleted|no longer|no volume set|not here/i);
      await page.getByRole('navigation', { name: 'Hub' }).getByRole('link', { name: 'Volume sets' }).click();
      await page.getByRole('link', { name: 'data', exact: true }).waitFor();
      assert.equal(await page.getByRole('link', { name: 'brief', exact: true }).count(), 0);
    });
  });

  const places: [where: string, path: string[], before: RegExp, after: RegExp][] = [
    ['the overview', [], /1 volume set, 1 snapshot:/, /1 volume set, 2 snapshots:/],
    ['a history', ['data'], /the first/, /meanwhile/],
  ];
  for (const [where, path, before, after] of places) {
    it(`a hub that restarts is found again, with what was pushed meanwhile: ${where}`, async () => {
      await tabs().use(hub.url, async ({ page, watch }) => {
        watch.provoked(
          /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/,
        );
        for (const name of path) await page.getByRole('link', { name, exact: true }).click();
        await shows(page.getByRole('main'), before);
        await live(page);
        await hub.stop();
        await shows(pill(page), /not connected/);
        assert.match(await textOf(page.getByRole('main')), before, 'what was shown stays');
        hub = await lab.hub('hub', '--listen', new URL(hub.url).host);
        await pushed('meanwhile');
        await live(page);
        await shows(page.getByRole('main'), after);
      });
    });
  }
});
