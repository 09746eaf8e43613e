import assert from 'node:assert/strict';
import { killRound, makeWork } from '../e2e/helpers/kill.ts';
import { Lab } from '../e2e/helpers/lab.ts';

describe('soak: kill -9 at 20 moments of each command', () => {
  it('goes on as if nothing had happened', async () => {
    await using lab = new Lab();
    const hub = await lab.hub();
    const work = await lab.volume('work', hub);
    makeWork(work);
    await lab.in('work', ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    let killed = 0;
    for (let round = 10; round < 30; round++) killed += await killRound(lab, hub, round, true);
    assert.ok(killed >= 40, `only ${killed} of 100 were still running`);
  });
});
