import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../src/core/errors.ts';
import { queueCount } from '../../src/sync/queue.ts';
import { verify } from '../../src/sync/verify.ts';
import { type Client, Rig, VOLSET } from './rig.ts';
import { until, Watching } from './watch-lab.ts';

const portOf = (url: string): number => Number(new URL(url).port);

describe('watch: pushing', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
  });

  const queued = (client: Client): number => queueCount(client.meta, { remote: 'origin' }).waiting;
  const tipThere = async (hub: Awaited<ReturnType<Rig['hub']>>, client: Client) =>
    (await hub.thread.meta.listBranches(VOLSET)).find(({ id }) => id === client.engine.volume?.state.branch)?.tip;

  it('sends each snapshot, and what a hub that was down missed when it is up again', async () => {
    const first = await rig.hub();
    const port = portOf(first.url);
    const client = (await rig.client('writer')).start().origin(first);
    const dir = client.directory();
    writeFileSync(join(dir, 'f0'), 'x');
    await using watching = new Watching(client.engine, { pushTo: 'origin' });
    while (client.tip() === null || (await tipThere(first, client)) !== client.tip()) await watching.next('pushed');
    await first.stop();
    for (let i = 1; i <= 5; i++) {
      writeFileSync(join(dir, `f${i}`), `${i}`);
      await watching.next('snapshot');
      assert.ok(queued(client) >= i, 'it lies in the queue as soon as it is made');
    }
    assert.equal(watching.count('push-failed'), 1, 'said once');
    const failed = watching.events.find((event) => event.event === 'push-failed');
    assert.equal(failed?.code, 'network');
    assert.ok(Number.isInteger(failed?.retryInMs), `whole milliseconds: ${failed?.retryInMs}`);
    const second = await rig.hub('hub', port);
    await until('all is there', async () => (await tipThere(second, client)) === client.tip());
    await until('nothing waits', () => queued(client) === 0);
    await watching.stop();
    assert.equal(client.meta.findVolset(VOLSET)?.snapshots, 6);
    assert.equal((await second.thread.meta.findVolset(VOLSET))?.snapshots, 6);
    const reader = (await rig.client('reader')).origin(second);
    await reader.run('pull');
    const { result } = await verify(reader.engine, { readData: true });
    assert.deepEqual([result.ok, result.checked.snapshots], [true, 6]);
  });

  it('sends at the start what an earlier run left', async () => {
    const hub = await rig.hub();
    const client = (await rig.client('writer')).start().origin(hub);
    writeFileSync(join(client.directory(), 'a'), 'x');
    await using first = new Watching(client.engine);
    await first.next('snapshot');
    await first.stop();
    await using second = new Watching(client.engine, { pushTo: 'origin' });
    assert.equal((await second.next('pushed')).snapshots, 1);
    assert.equal(await tipThere(hub, client), client.tip());
  });

  it('goes on when the remote has another line, and says so once', async () => {
    const hub = await rig.hub();
    const other = (await rig.client('other')).start().origin(hub);
    const client = (await rig.client('writer')).origin(hub);
    await other.save({ base: 'x' });
    await other.run('push');
    await client.run('pull');
    await other.save({ theirs: 'x' });
    await other.run('push');
    const dir = client.directory();
    const [base] = client.meta.listBranches(VOLSET);
    const root = client.meta.findSnapshot(VOLSET, base.tip!)?.body.root;
    client.engine.volume!.update({ base: base.tip, baseRoot: root });
    writeFileSync(join(dir, 'mine'), 'x');
    await using watching = new Watching(client.engine, { pushTo: 'origin', maxDelete: 1 });
    const told = await watching.next('problem');
    assert.deepEqual([told.code, told.object], ['diverged', 'branch:main']);
    writeFileSync(join(dir, 'mine'), 'y');
    await watching.next('snapshot');
    await until('both were tried', async () => queued(client) === 0);
    assert.equal(watching.count('problem'), 1, watching.story());
  });

  it('keeps watching where the hub does not let it in', async () => {
    const hub = await rig.hub('hub', 0, { auth: true });
    await hub.token('somebody else');
    const client = (await rig.client('writer')).start().origin(hub);
    const dir = client.directory();
    await using watching = new Watching(client.engine, { pushTo: 'origin' });
    assert.equal((await watching.next('push-failed')).code, 'unauthorized');
    writeFileSync(join(dir, 'a'), 'x');
    while ((await watching.next('snapshot')).files === 0);
    assert.ok(queued(client) >= 1);
  });

  it('refuses a remote that does not exist at once', async () => {
    const client = (await rig.client('writer')).start();
    client.directory();
    await using watching = new Watching(client.engine, { pushTo: 'nowhere' });
    await assert.rejects(watching.ended, (error) => error instanceof PlaitError && error.code === 'not-found');
    assert.deepEqual(watching.events, []);
  });

  it('ends the push when the directory is gone', async () => {
    const hub = await rig.hub();
    const client = (await rig.client('writer')).start().origin(hub);
    const dir = client.directory();
    await using watching = new Watching(client.engine, { pushTo: 'origin' });
    await watching.next('snapshot');
    rmSync(dir, { recursive: true });
    await assert.rejects(watching.ended, (error) => error instanceof PlaitError && error.code === 'not-found');
  });
});
