/** `sync --follow` through the program: two directories and a hub that stay in step, and all that may come between. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { assertDocumented, Follower } from './helpers/follower.ts';
import { assertSame, type Document, type Hub, Lab } from './helpers/lab.ts';

/** A hub that has one volset, and a second working directory of it. */
async function pair(lab: Lab): Promise<Hub> {
  const hub = await lab.hub();
  await lab.volume('a', hub);
  await save(lab, 'a', 'first');
  await lab.in('a', ['push']);
  await lab.run(['clone', `${hub.url}/data`, lab.path('b')]);
  return hub;
}

async function save(lab: Lab, dir: string, text: string): Promise<string> {
  writeFileSync(lab.path(dir, 'file'), text);
  return (await lab.in(dir, ['snapshot', '-m', text])).snapshot;
}

const read = (lab: Lab, dir: string): string => readFileSync(lab.path(dir, 'file'), 'utf8');

/** At the same address. */
const again = (lab: Lab, { url }: Hub, name = 'hub'): Promise<Hub> => lab.hub(name, '--listen', new URL(url).host);

const WAITS = (event: Document): boolean => event.status === 'waiting' && event.retryInMs !== undefined;

/** Each test finds both directories and the hub at one tip, and leaves them so. */
describe('e2e: follow', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  before(async () => {
    lab = new Lab();
    hub = await pair(lab);
  });
  after(() => lab[Symbol.asyncDispose]());

  it('what is saved on one side is in the directory of the other, and back; a signal is the end, exit 0', async () => {
    const [a, b] = [Follower.start(lab, 'a'), Follower.start(lab, 'b')];
    await Promise.all([a.inSync(), b.inSync()]);
    const second = await save(lab, 'a', 'second');
    await a.next({ event: 'branch', side: 'remote', to: second });
    await b.next({ event: 'branch', side: 'here', name: 'main', to: second });
    await b.next({ event: 'volume', type: 'updated' });
    assert.equal(read(lab, 'b'), 'second');
    const third = await save(lab, 'b', 'third');
    await a.next({ event: 'branch', side: 'here', name: 'main', to: third });
    await a.next({ event: 'volume', type: 'updated' });
    assertSame(lab.path('a'), lab.path('b'));
    const ends = await Promise.all([a.stop(), b.stop('SIGINT')]);
    for (const { exit, stderr } of ends) assert.deepEqual([exit, stderr], [0, '']);
    assertDocumented([...a.events, ...b.events]);
    assert.equal((await lab.in('a', ['sync'])).upToDate, true);
  });

  it('killed and started again: what happened meanwhile arrives', async () => {
    const killed = Follower.start(lab, 'b');
    await killed.inSync();
    assert.equal((await killed.stop('SIGKILL')).signal, 'SIGKILL');
    const tip = await save(lab, 'a', 'while it was dead');
    await lab.in('a', ['push']);
    const b = Follower.start(lab, 'b');
    await b.next({ event: 'branch', side: 'here', to: tip });
    await b.next({ event: 'volume', type: 'updated' });
    assert.equal(read(lab, 'b'), 'while it was dead');
    assert.equal((await b.stop()).exit, 0);
  });

  it('a hub that is down, at the start and later: it is ready, waits, says why, and goes on', async () => {
    await hub.stop();
    writeFileSync(lab.path('systemd-notify'), '#!/bin/sh\necho "$*" >> "$NOTIFY_SOCKET"\n', { mode: 0o755 });
    const env = { NOTIFY_SOCKET: lab.path('socket'), PATH: `${lab.dir}:${process.env.PATH}` };
    const b = Follower.start(lab, 'b', [], env);
    const { reason, retryInMs } = await b.next(WAITS);
    assert.equal(reason.code, 'network');
    assert.ok(retryInMs > 0 && retryInMs <= 30_000, String(retryInMs));
    hub = await again(lab, hub);
    await b.inSync();
    await hub.stop('SIGKILL');
    await b.next(WAITS);
    const tip = await save(lab, 'b', 'while the hub was dead');
    hub = await again(lab, hub);
    await b.next({ event: 'branch', side: 'remote', to: tip });
    await b.inSync();
    assert.equal((await b.stop()).exit, 0);
    assertDocumented(b.events);
    const told = readFileSync(lab.path('socket'), 'utf8').trimEnd().split('\n');
    assert.deepEqual([told[0], told.at(-1)], ['--ready --status=origin: waiting', 'STOPPING=1']);
    await lab.in('a', ['sync']);
  });

  it('unsaved changes keep the directory where it is, and only that; --pull-only sends nothing', async () => {
    await lab.in('b', ['branch', 'create', 'mine']);
    const b = Follower.start(lab, 'b', ['--pull-only']);
    await b.inSync();
    const here = read(lab, 'b');
    writeFileSync(lab.path('b', 'file'), 'not saved');
    const tip = await save(lab, 'a', 'beside it');
    await lab.in('a', ['push']);
    await b.next({ event: 'branch', side: 'here', to: tip });
    await b.next({ event: 'volume', type: 'problem' });
    assert.equal(read(lab, 'b'), 'not saved');
    // As it was saved: it follows by itself.
    rmSync(lab.path('b', 'file'));
    await lab.in('b', ['restore', 'main~1', 'file', '--overwrite']);
    assert.equal(read(lab, 'b'), here);
    assert.equal((await b.stop()).exit, 0);
    assertDocumented(b.events);
    const { volsets } = await lab.in('b', ['remote', 'show', 'origin']);
    assert.deepEqual(
      volsets[0].branches.map(({ name }: Document) => name),
      ['main'],
    );
    await lab.in('b', ['sync']);
    assert.equal(read(lab, 'b'), 'beside it');
  });

  it('--all-volsets: a mirror of a hub, that can be served', async () => {
    await lab.run(['clone', '--bare', `${hub.url}/data`, lab.path('mirror')]);
    const mirror = Follower.start(lab, 'mirror', ['--all-volsets', '--pull-only']);
    await mirror.inSync();
    await lab.run(['init', lab.path('c'), '--volset', 'more']);
    await lab.in('c', ['remote', 'add', 'origin', `${hub.url}/more`]);
    const tip = await save(lab, 'c', 'of another volset');
    await lab.in('c', ['push']);
    await mirror.next({ event: 'branch', to: tip });
    await mirror.inSync();
    assert.equal((await mirror.stop()).exit, 0);
    assertDocumented(mirror.events);
    const served = await lab.hub('mirror');
    await lab.run(['clone', `${served.url}/more`, lab.path('d')]);
    assertSame(lab.path('c'), lab.path('d'));
  });

  it('ends when nobody reads any more', async () => {
    const b = Follower.start(lab, 'b');
    await b.inSync();
    b.running.child.stdout?.destroy();
    await save(lab, 'a', 'unread');
    await lab.in('a', ['push']);
    const { exit, stderr } = await b.running.ended;
    assert.deepEqual([exit, stderr], [0, '']);
  });

  it('--once: all that there is, both ways, and the exit codes of a sync', async () => {
    const once = async (dir: string, exit: number): Promise<Follower> => {
      const run = Follower.start(lab, dir, ['--once']);
      assert.equal((await run.running.ended).exit, exit, JSON.stringify(run.events));
      assertDocumented(run.events);
      return run;
    };
    const tip = await save(lab, 'a', 'by one');
    await once('a', 0);
    const { events } = await once('b', 0);
    assert.ok(events.some(({ event, side, to }) => event === 'branch' && side === 'here' && to === tip));
    assert.equal(events.at(-1)?.status, 'in-sync');
    assert.equal(read(lab, 'b'), 'by one');
    assert.equal(await lab.text(['-C', lab.path('b'), 'sync', '--follow', '--once', '--quiet']), '');
    const ours = await save(lab, 'a', 'ours');
    await save(lab, 'b', 'theirs');
    await once('a', 0);
    const parted = await once('b', 6);
    assert.ok(parted.events.some(({ event, type }) => event === 'diverged' && type === 'problem'));
    assert.equal((await lab.in('b', ['log', 'origin/main'])).snapshots[0].snapshot, ours);
    await hub.stop();
    const gone = await once('b', 13);
    assert.ok(gone.events.every(({ status }) => status !== 'in-sync'));
    // What was to be finished is not.
    const cut = Follower.start(lab, 'b', ['--once']);
    await cut.next(WAITS);
    assert.equal((await cut.stop()).exit, 143);
    assert.equal(cut.events.at(-1)?.error.code, 'interrupted');
  });

  it('another hub under the same address: exit 16, nothing has changed; the others go on', async () => {
    const other = await lab.hub('other');
    await lab.in('a', ['remote', 'add', 'backup', `${other.url}/data`]);
    await again(lab, hub, 'impostor');
    const before = await lab.in('a', ['branch', 'list']);
    const a = Follower.start(lab, 'a');
    const [problem] = await Promise.all([
      a.next({ event: 'problem', remote: 'origin', code: 'identity' }),
      a.inSync({ remote: 'backup' }),
    ]);
    assert.equal(problem.object, null);
    assert.match(problem.hint, /--accept-new-identity/);
    assert.deepEqual(await lab.in('a', ['branch', 'list']), before);
    assert.deepEqual(await (await fetch(`${hub.url}/v1/volsets`)).json(), { volsets: [] });
    const tip = await save(lab, 'a', 'for the backup');
    await a.next({ event: 'branch', remote: 'backup', side: 'remote', to: tip });
    assert.equal((await a.stop()).exit, 16);
    assertDocumented(a.events);
    // With that remote alone there is nothing left to follow.
    const alone = Follower.start(lab, 'a', ['origin']);
    assert.equal((await alone.running.ended).exit, 16);
  });
});
