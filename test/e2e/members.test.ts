import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';

describe('e2e: members, and clones for one job', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    writeFileSync(join(work, 'text'), 'one');
    await lab.in('work', ['config', 'set', 'label', 'lab-7']);
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
  });
  after(() => lab[Symbol.asyncDispose]());
  const members = async (): Promise<Document[]> => (await lab.run(['--store', hub.store, 'member', 'list'])).members;

  it('a store that has sent something is listed, one that only reads is not', async () => {
    await lab.run(['clone', `${hub.url}/data`, 'reader']);
    await lab.in('reader', ['sync']);
    const [row, ...others] = await members();
    assert.deepEqual([others, row.state], [[], 'active']);
    assert.match(row.store, /^[0-9a-f]{32}\.1$/);
    assert.equal(new Date(row.lastSeen).toISOString(), row.lastSeen);
    const text = await lab.text(['--store', hub.store, 'member', 'list']);
    assert.ok(text.includes(row.store) && text.includes('active'), text);
  });

  it('retired by the beginning of its id, and active again when it comes back', async () => {
    const [row] = await members();
    const retired = await lab.run(['--store', hub.store, 'member', 'retire', row.store.slice(0, 8)]);
    assert.deepEqual(retired, { ...row, state: 'retired' });
    assert.deepEqual((await members())[0].state, 'retired');
    await lab.in('work', ['update', '--description', 'back again']);
    await lab.in('work', ['push']);
    assert.equal((await members())[0].state, 'active');
    const [view] = (await lab.run(['--store', hub.store, 'volset', 'list'])).volsets;
    assert.equal(view.description, 'back again');
    const missing = { exit: 10, code: 'not-found', message: /no member/, hint: /member list/ };
    await fails(['--store', hub.store, 'member', 'retire', 'ffffffffffffffffffff'], missing);
  });

  it('an ephemeral clone sends and takes, and is no member; it cannot be served', async () => {
    const before = (await members()).length;
    await lab.run(['clone', `${hub.url}/data`, 'job', '--ephemeral']);
    await lab.run(['clone', `${hub.url}/data`, 'job2'], 0, { env: { PLAIT_EPHEMERAL: '1' } });
    for (const job of ['job', 'job2']) {
      await lab.in(job, ['pull']);
      writeFileSync(lab.path(job, `by-${job}`), job);
      await lab.in(job, ['snapshot', '-m', job]);
      await lab.in(job, ['update', '--attr', `${job}=done`]);
      await lab.in(job, ['sync']);
    }
    assert.equal((await members()).length, before);
    const { snapshots } = await lab.run(['--store', hub.store, 'log', 'main']);
    assert.deepEqual(
      snapshots.slice(0, 2).map((row: Document) => row.description),
      ['job2', 'job'],
    );
    await lab.in('work', ['pull']);
    const [view] = (await lab.in('work', ['volset', 'list'])).volsets;
    assert.deepEqual([view.attrs.job, view.attrs.job2], ['done', 'done']);
    const refused = { exit: 2, code: 'usage', message: /ephemeral store, which cannot be served/ };
    await fails(['serve', lab.path('job', '.plait'), '--listen', '127.0.0.1:0'], refused);
    const both = { exit: 2, code: 'exists', message: /is not ephemeral/ };
    await fails(
      ['--store', join(work, '.plait'), 'clone', `${hub.url}/data`, lab.path('elsewhere'), '--ephemeral'],
      both,
    );
    const bad = { exit: 2, code: 'bad-config', message: /PLAIT_EPHEMERAL/ };
    await fails(['clone', `${hub.url}/data`, lab.path('never')], bad, { env: { PLAIT_EPHEMERAL: 'maybe' } });
  });
});
