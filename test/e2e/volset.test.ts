import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';

describe('e2e: volset rename and delete', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    writeFileSync(join(work, 'text'), 'one');
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
  });
  afterEach(() => lab[Symbol.asyncDispose]());
  const store = () => join(work, '.plait');
  const names = async (dir: string) =>
    (await lab.run(['--store', dir, 'volset', 'list'])).volsets.map((v: { name: string }) => v.name);

  it('a new name travels, and the old one finds nothing any more', async () => {
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assert.equal(await lab.text(['-C', work, 'volset', 'rename', 'data', 'runs']), 'volume set data is now runs\n');
    await lab.in('work', ['push']);
    assert.deepEqual(await names(hub.store), ['runs']);
    await lab.in('copy', ['pull']);
    assert.equal((await lab.in('copy', ['status'])).volset, 'runs');
    const wanted = { exit: 10, code: 'not-found', message: /no volset named data/ };
    await fails(['-C', work, 'volset', 'rename', 'data', 'x'], wanted);
    await fails(['-C', work, 'volset', 'rename', 'runs', 'a b'], { exit: 2, code: 'usage', message: /no name/ });
    assert.equal((await lab.in('work', ['volset', 'rename', 'runs', 'runs'])).name, 'runs');
  });

  it('refuses the one of the working directory, and one with snapshots without --force', async () => {
    const own = { exit: 2, code: 'usage', message: /this working directory belongs to that volume set/ };
    await fails(['-C', work, 'volset', 'delete', 'data', '--force'], own);
    const guarded = {
      exit: 9,
      code: 'guard',
      message: /data has 1 snapshots? on 1 branch.*at origin.*work/,
      hint: /--force/,
    };
    await fails(['--store', store(), 'volset', 'delete', 'data'], guarded);
    const missing = { exit: 10, code: 'not-found', message: /no volset named other/ };
    await fails(['--store', store(), 'volset', 'delete', 'other'], missing);
    assert.deepEqual(await names(store()), ['data']);
  });

  it('deleted: gone here, there with the next push, and a clone is told what happened', async () => {
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    const { deleted } = await lab.run(['--store', store(), 'volset', 'delete', 'data', '--force']);
    assert.deepEqual([deleted.name, deleted.branches, deleted.snapshots], ['data', 1, 1]);
    assert.deepEqual(await names(store()), []);
    await lab.run(['--store', store(), 'push', 'origin', '--max-delete', '100%']);
    assert.deepEqual(await names(hub.store), []);
    await lab.in('copy', ['pull', '--max-delete', '100%']);
    await fails(['-C', lab.path('copy'), 'status'], { exit: 10, code: 'not-found', message: /was deleted/ });
  });

  it('without snapshots no force is needed', async () => {
    await lab.run(['init', '--bare', lab.path('bare'), '--volset', 'empty']);
    const text = await lab.text(['--store', lab.path('bare'), 'volset', 'delete', 'empty']);
    assert.match(text, /^volume set empty deleted: 1 branch, 0 snapshots\n/);
    assert.deepEqual(await names(lab.path('bare')), []);
  });

  it('two names at one moment: one stands on both sides, and both are in the record', async () => {
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    await lab.in('work', ['volset', 'rename', 'data', 'ours']);
    await lab.in('copy', ['volset', 'rename', 'data', 'theirs']);
    await lab.in('work', ['sync']);
    const met = await lab.in('copy', ['sync'], 5);
    assert.deepEqual(
      met.conflicts.map((c: Record<string, string>) => [c.kind, c.field, c.initial, c.current, c.target, c.resolution]),
      [['volset', 'name', 'data', 'theirs', 'ours', 'target']],
    );
    await lab.in('work', ['sync'], [0, 5]);
    assert.deepEqual([await names(store()), await names(join(lab.path('copy'), '.plait'))], [['ours'], ['ours']]);
  });
});
