/** What waits for a remote, through the program: a hub that is down, a stop, and the words that change the queue. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, Lab } from './helpers/lab.ts';
import { noise } from './helpers/trees.ts';

const NOWHERE = 'http://127.0.0.1:1/data';

describe('e2e: the queue', function () {
  this.timeout(60_000);
  let lab: Lab;
  let work: string;
  const ids: string[] = [];
  before(async () => {
    lab = new Lab();
    work = await lab.volume('work');
    await lab.in('work', ['remote', 'add', 'origin', NOWHERE]);
    for (const n of [1, 2]) ids.push(await save(`${n}`));
  });
  after(() => lab[Symbol.asyncDispose]());

  async function save(text: string): Promise<string> {
    writeFileSync(join(work, text), noise(20_000, text.length));
    return (await lab.in('work', ['snapshot', '-m', text])).snapshot;
  }
  const waiting = async (): Promise<string[]> =>
    (await lab.in('work', ['queue', 'list'])).remotes[0].entries.map(
      ({ priority, snapshot }: Document) => `${priority} ${ids.indexOf(snapshot) + 1}`,
    );

  it('a remote that was never reached: --enqueue notes what to send, and no more than that', async () => {
    assert.equal(await lab.text(['-C', work, 'queue', 'list']), 'origin: nothing waits\n');
    const noted = await lab.in('work', ['push', '--enqueue']);
    assert.deepEqual(
      [noted.volset, noted.remote, noted.dryRun, noted.queued, noted.waiting, noted.dead],
      ['data', 'origin', false, 2, 2, 0],
    );
    assert.deepEqual(await waiting(), ['medium 2', 'low 1']);
    assert.match(
      await lab.text(['-C', work, 'push', '--enqueue']),
      /^nothing new queued .*; 2 wait for the next push or sync\n$/,
    );
    const both = await lab.in('work', ['push', '--enqueue', '--as', 'mine'], 2);
    assert.equal(both.error.code, 'usage');
  });

  it('the document of queue list has each field', async () => {
    const [row] = (await lab.in('work', ['queue', 'list', 'origin'])).remotes;
    assert.deepEqual(
      [row.name, row.volset, row.head, row.sealed, row.lastSync, row.dead, row.more],
      ['origin', 'data', 0, [], null, [], 0],
    );
    const { added, ...entry } = row.entries[0];
    assert.equal(new Date(added).toISOString(), added);
    assert.equal(typeof entry.volsetId, 'string');
    const { volsetId: _, ...rest } = entry;
    assert.deepEqual(rest, {
      snapshot: ids[1],
      volset: 'data',
      priority: 'medium',
      attempts: 0,
      notBefore: null,
      error: null,
    });
    const missing = await lab.in('work', ['queue', 'list', 'nowhere'], 10);
    assert.match(missing.error.hint, /origin/);
  });

  it('drop and retry say how many', async () => {
    assert.deepEqual(await lab.in('work', ['queue', 'drop', 'origin', ids[0].slice(0, 10)]), {
      remote: 'origin',
      dropped: 1,
    });
    assert.deepEqual(await waiting(), ['medium 2']);
    assert.deepEqual(await lab.in('work', ['queue', 'retry']), { remote: null, requeued: 1 });
    assert.equal(
      await lab.text(['-C', work, 'queue', 'drop', 'origin']),
      '1 snapshot taken out of the queue of origin\n',
    );
    await lab.in('work', ['queue', 'drop'], 2);
  });

  it('a hub that is down: exit 13 says what waits, and so does status', async () => {
    const failed = await lab.in('work', ['push'], 13);
    assert.equal(failed.error.code, 'network');
    assert.match(
      failed.error.hint,
      /2 snapshots are queued: the next push or sync goes on \(see `plait queue list`\)$/,
    );
    assert.equal(failed.error.data.queued, 2);
    writeFileSync(join(work, 'three'), 'three');
    const pushed = await lab.in('work', ['snapshot', '--push', 'origin'], 13);
    ids.push(pushed.error.data.snapshot);
    assert.match(pushed.error.hint, /was made and is safe here; .*3 snapshots are queued/);
    assert.deepEqual(await waiting(), ['medium 2', 'medium 3', 'low 1']);
    const { queue, remotes } = await lab.in('work', ['status']);
    assert.deepEqual([queue, remotes[0].queued, remotes[0].dead], [3, 3, 0]);
    assert.match(
      await lab.text(['-C', work, 'status']),
      /^3 snapshots wait to be pushed to origin: see `plait queue list`$/m,
    );
  });

  it('once it is up, the next sync sends all of it, within the limits that are given', async () => {
    const hub = await lab.hub();
    await lab.in('work', ['remote', 'set-url', 'origin', `${hub.url}/data`]);
    const sent = await lab.in('work', ['sync', '--limit-up', '10M', '--limit-down', '10M', '--parallel', '2']);
    assert.equal(sent.pushed.snapshots, 3);
    assert.deepEqual(await waiting(), []);
    assert.equal((await lab.in('work', ['status'])).queue, 0);
    await lab.in('work', ['sync']);
    const idle = await lab.in('work', ['sync']);
    assert.deepEqual([idle.requests, idle.upToDate], [1, true]);
    const [{ head, sealed, lastSync }] = (await lab.in('work', ['queue', 'list'])).remotes;
    assert.deepEqual([head, sealed], [3, [[1, 3]]]);
    assert.ok(Date.parse(lastSync) > 0);
    await lab.verify(hub.store);
  });

  it('a limit or a number of streams that is none is refused, wherever it stands', async () => {
    await lab.in('work', ['push', '--limit-up', 'fast'], 2);
    await lab.in('work', ['push', '--parallel', '17'], 2);
    await lab.in('work', ['pull', '--parallel', '0'], 2);
    const env = await lab.in('work', ['push'], 2, { env: { PLAIT_PUSH_LIMIT_UP: '2 mbit' } });
    assert.match(env.error.message, /PLAIT_PUSH_LIMIT_UP/);
    await lab.in('work', ['snapshot', '--push', 'origin'], 2, { env: { PLAIT_PUSH_LIMIT_UP: '2 mbit' } });
    await lab.in('work', ['config', 'set', 'sync.limit-down', 'x'], 2);
    await lab.in('work', ['config', 'set', 'sync.limit-down', '64K']);
    await lab.in('work', ['sync']);
  });

  it('goes with its remote when that is renamed, and away with it', async () => {
    await lab.in('work', ['remote', 'set-url', 'origin', NOWHERE]);
    ids.push(await save('four'));
    await lab.in('work', ['push', '--enqueue']);
    await lab.in('work', ['remote', 'rename', 'origin', 'hub']);
    assert.deepEqual(await waiting(), ['medium 4']);
    assert.equal((await lab.in('work', ['remote', 'remove', 'hub'])).dropped, 1);
    assert.deepEqual(await lab.in('work', ['queue', 'list']), { remotes: [] });
    rmSync(join(work, 'four'));
  });
});
