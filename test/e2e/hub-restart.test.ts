/** A hub that is killed and stopped under load; test/soak/hub-restart.test.ts does it for long. */
import assert from 'node:assert/strict';
import { restartUnderLoad } from './helpers/restart-load.ts';

describe('e2e: a hub restarted under load', function () {
  this.timeout(240_000);

  it('3 clients push through 5 restarts: all arrive, every snapshot is whole, tips are right', async () => {
    const { pushes, restarts } = await restartUnderLoad(3, 5);
    assert.equal(restarts, 5);
    assert.ok(pushes >= 5, `${pushes} pushes`);
  });
});
