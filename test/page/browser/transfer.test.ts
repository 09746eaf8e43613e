/** What moves at the hub right now, as the page tells it while a client pushes slowly. */
import assert from 'node:assert/strict';
import { Lab } from '../../e2e/helpers/lab.ts';
import { startPlait } from '../../e2e/helpers/plait.ts';
import { noise } from '../../e2e/helpers/trees.ts';
import { useTabs } from './support/shared.ts';
import { becomes, heading, rowOf, shows } from './support/shown.ts';
import { newDesk } from './support/story.ts';

describe('page: a transfer in progress', function () {
  this.timeout(120_000);
  const tabs = useTabs();

  it('shows while it lasts: which way, of which volset, how much came', async () => {
    await using lab = new Lab();
    const hub = await lab.hub();
    const ada = await newDesk(lab, hub, 'ada');
    ada.write('small', 'small');
    await ada.snapshot('small');
    await ada.run(['push']);
    ada.write('large', noise(8_000_000, 3));
    await ada.snapshot('large');
    const push = startPlait(['-C', ada.dir, 'push', '--limit-up', '200K', '--json'], { input: '' });
    await tabs().use(hub.url, async ({ page }) => {
      await page.getByRole('link', { name: 'Activity' }).click();
      await shows(heading(page), 'Activity');
      const table = page.getByRole('table', { name: 'Transfers in progress' });
      await table.waitFor();
      const row = await becomes(
        () => rowOf(page, 'Transfers in progress', 'data'),
        (found) => /KiB|MiB/.test(found['So far'] ?? ''),
      );
      assert.match(row.Direction, /to this hub/);
      assert.equal(row['Volume set'], 'data');
      assert.equal(row.Snapshots, '1');
      push.child.kill('SIGTERM');
      await push.ended;
    });
  });
});
