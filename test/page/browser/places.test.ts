/** Every view for everybody: landmarks and names, contrast in light and dark, no sideways scrolling on a phone. */
import assert from 'node:assert/strict';
import { faintTexts, sideways, unnamed } from './support/in-page.ts';
import { useStory, useTabs } from './support/shared.ts';
import { heading, live, shows } from './support/shown.ts';
import type { Story } from './support/story.ts';

const path64 = (path: string): string => Buffer.from(path).toString('base64url');

/** What stands in a view once it is whole, and its address. */
const PLACES: [name: string, at: (story: Story) => string, shown: RegExp][] = [
  ['overview', () => '', /2 volume sets/],
  ['activity', () => 'activity', /elsewhere/],
  ['health', () => 'health', /As doctor sees the store/],
  ['history', ({ volset }) => `v/${volset}`, /first files/],
  ['branches', ({ volset }) => `v/${volset}/branches`, /what ben thinks/],
  ['members', ({ volset }) => `v/${volset}/members`, /3 branches/],
  ['conflicts', ({ volset }) => `v/${volset}/conflicts`, /as ada says/],
  ['sizes', ({ volset }) => `v/${volset}/sizes`, /Each snapshot/],
  ['a snapshot', ({ volset, ids }) => `v/${volset}/s/${ids.second}`, /readme\.txt/],
  ['a folder', ({ volset, ids }) => `v/${volset}/s/${ids.second}/files/${path64('src/lib')}`, /deep/],
  ['a file', ({ volset, ids }) => `v/${volset}/s/${ids.second}/files/${path64('readme.txt')}`, /three/],
  ['a diff', ({ volset, ids }) => `v/${volset}/diff/${ids.first}/${ids.second}`, /old\.txt/],
  [
    'a text diff',
    ({ volset, ids }) => `v/${volset}/diff/${ids.first}/${ids.second}/text/${path64('readme.txt')}`,
    /three/,
  ],
];

describe('page: every view', function () {
  this.timeout(120_000);
  const tabs = useTabs();
  const story = useStory();

  for (const [name, at, shown] of PLACES) {
    it(`${name}: landmarks, names, contrast in both schemes, and a phone's width`, async () => {
      await tabs().use(`${story().hub.url}/#/${at(story())}`, async ({ page }) => {
        await shows(page.getByRole('main'), shown);
        await live(page);
        assert.equal(await heading(page).evaluate((element) => element.matches(':focus')), true, 'the heading is read');
        assert.match(await page.title(), /\S · plait$/);
        assert.deepEqual(await unnamed(page), []);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await faintTexts(page), [], colorScheme);
        }
        await page.setViewportSize({ width: 380, height: 800 });
        await shows(page.getByRole('main'), shown);
        assert.deepEqual(await sideways(page), []);
      });
    });
  }

  it('an address that leads nowhere says so', async () => {
    await tabs().use(`${story().hub.url}/#/v/${story().volset}/nothing/here`, async ({ page }) => {
      await shows(page.getByRole('alert'), 'no such view');
      assert.deepEqual(await unnamed(page), []);
    });
  });

  it('faint text and wide content are noticed', async () => {
    await tabs().use(story().hub.url, async ({ page }) => {
      await shows(page.getByRole('main'), /2 volume sets/);
      await page.evaluate(
        `document.querySelector('h1').style.color = '#bbb'; document.querySelector('main').style.minWidth = '9000px'`,
      );
      assert.equal((await faintTexts(page)).length, 1);
      assert.match((await sideways(page))[0], /^90\d\d px/);
    });
  });
});
