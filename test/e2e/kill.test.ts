import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { killRound, makeWork, moments, runAndKill } from './helpers/kill.ts';
import { assertSame, type Hub, Lab } from './helpers/lab.ts';
import { startPlait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

describe('e2e: kill -9', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('snapshot, push, clone, pull and checkout go on as if nothing had happened', async () => {
    makeWork(work);
    await lab.in('work', ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    let killed = 0;
    for (let round = 0; round < 4; round++) killed += await killRound(lab, hub, round, round === 3);
    // How many depends on the machine; none at all would mean that nothing was tested.
    assert.ok(killed >= 3, `only ${killed} of 20 were still running`);
  });

  it('init is finished by the same command', async () => {
    for (const [i, moment] of moments(4, 9).entries()) {
      const argv = ['init', lab.path(`new-${i}`), '--volset', 'data'];
      const killed = await runAndKill(argv, { cwd: lab.dir }, { line: 0, afterMs: 120 + moment.afterMs });
      // Killed too late, it had done its work, and a second one is refused.
      await lab.run(argv, killed ? [0, 2] : 2);
      writeFileSync(lab.path(`new-${i}`, 'file'), 'x');
      await lab.in(`new-${i}`, ['snapshot']);
      assert.equal((await lab.in(`new-${i}`, ['volset', 'list'])).volsets.length, 1);
    }
  });

  it('a hub killed during a push: exit 13, and the next push finishes it', async () => {
    for (let i = 0; i < 12; i++) writeFileSync(join(work, `big-${i}`), noise(4 << 20, i + 1));
    await lab.in('work', ['snapshot']);
    const push = startPlait(['--json', '--progress', 'json', '-C', work, 'push'], { cwd: lab.dir, input: '' });
    await push.output(/"type":"start".*"phase":"pushing"/);
    await hub.stop('SIGKILL');
    const end = await push.ended;
    assert.equal(end.exit, 13, JSON.stringify(end));
    assert.deepEqual(Object.keys(JSON.parse(end.stdout)), ['error']);
    const again = await lab.hub();
    await lab.in('work', ['remote', 'set-url', 'origin', `${again.url}/data`]);
    await lab.in('work', ['push']);
    await lab.run(['clone', `${again.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    await lab.verify(hub.store);
  });
});
