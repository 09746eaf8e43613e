/** Half a thousand followers at one hub, for a while. */
import assert from 'node:assert/strict';
import { followMany } from '../hub/feed-load.ts';

describe('soak: feeds', () => {
  it('each of a hundred changes reaches all of five hundred followers', async function () {
    this.timeout(600_000);
    const { each, openMs, changeMs } = await followMany(500, 100);
    const slowest = Math.max(...changeMs);
    const figures = `${Math.round(each / 1024)} KB each; all follow after ${Math.round(openMs)} ms, slowest change ${Math.round(slowest)} ms`;
    console.log(figures);
    assert.ok(each < 100 * 1024, figures);
  });
});
