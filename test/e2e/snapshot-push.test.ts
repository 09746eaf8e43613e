/** `snapshot --push` as a cron job runs it, under each fault: its exit code, the snapshot's id, and that the next run catches up. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { takeFileLock } from '../../src/blob/index.ts';
import { type BadNetwork, startBadNetwork } from '../helpers/bad-network.ts';
import { type Document, type Hub, Lab, parse } from './helpers/lab.ts';
import { startPlait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

const job = (remote = 'origin'): string[] => ['snapshot', '--skip-unchanged', '--push', remote];
const ID = /^[0-9a-f]{64}$/;

describe('e2e: snapshot --push under faults', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let line: BadNetwork;
  let work: string;
  let round = 0;
  let status = 0;
  const proxy = createServer((_, answer) => answer.writeHead(status).end());
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    line = await startBadNetwork({ to: hub.url });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    work = lab.path('work');
    await lab.run(['init', work, '--volset', 'data']);
    await lab.in('work', ['remote', 'add', 'origin', `${line.url}/data`]);
    edit();
    await lab.in('work', job());
  });
  after(async () => {
    proxy.close();
    await line.close();
    await lab[Symbol.asyncDispose]();
  });

  const edit = (): void => writeFileSync(join(work, 'file'), noise(1 << 20, ++round));
  const tip = async (store: string): Promise<string> =>
    (await lab.run(['--store', store, 'branch', 'list'])).branches.find((b: Document) => b.name === 'main').tip;

  /** All is over: the same command again does the rest. */
  async function catchesUp(snapshot: string | undefined): Promise<void> {
    const { snapshot: last, push } = await lab.in('work', job());
    if (snapshot !== undefined) assert.equal(last, snapshot, 'made once');
    assert.equal(push.branches.find((b: Document) => b.name === 'main').to, last);
  }

  const NETWORK: [what: string, fault: Parameters<BadNetwork['set']>[0]][] = [
    ['a hub that is down', { refuse: true }],
    ['a line that is cut', { cutEach: { up: 128 << 10 } }],
  ];
  for (const [what, fault] of NETWORK) {
    it(`${what}: exit 13`, async () => {
      edit();
      await line.set(fault);
      const { error } = await lab.in('work', job(), 13);
      assert.equal(error.code, 'network');
      assert.match(error.data.snapshot, ID);
      assert.match(error.hint, /was made and is safe here/);
      assert.equal(error.data.queued, 1);
      await line.set({ refuse: undefined, cutEach: undefined });
      await catchesUp(error.data.snapshot);
    });
  }

  // Of one that names no store nobody knows what it refuses, so 401 is no word on tokens.
  for (const [answer, exit] of [
    [503, 13],
    [500, 17],
    [401, 17],
  ] as const) {
    it(`a proxy that answers ${answer}: exit ${exit}`, async () => {
      edit();
      status = answer;
      const { port } = proxy.address() as AddressInfo;
      if (answer === 503) await lab.in('work', ['remote', 'add', 'proxy', `http://127.0.0.1:${port}/data`]);
      const { error } = await lab.in('work', job('proxy'), exit);
      assert.match(error.data.snapshot, ID);
      assert.match(error.message, new RegExp(`HTTP ${answer}`));
      if (answer !== 401) return;
      await lab.in('work', ['remote', 'remove', 'proxy']);
      await catchesUp(error.data.snapshot);
    });
  }

  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const) {
    it(`${signal} in the middle of the push: exit ${exit}`, async () => {
      edit();
      const start = line.stats.up;
      await line.set({ stall: { up: start + (256 << 10) } });
      const running = startPlait(['--json', ...job()], { cwd: work, input: '' });
      while (line.stats.up < start + (256 << 10)) await new Promise((resolve) => setTimeout(resolve, 5));
      running.child.kill(signal);
      const end = await running.ended;
      assert.equal(end.exit, exit, JSON.stringify(end));
      const snapshot = exit === null ? undefined : parse(end).error.data.snapshot;
      if (exit !== null) assert.match(snapshot, ID);
      await line.set({ stall: undefined });
      await catchesUp(snapshot);
    });
  }

  it('what cannot be read: exit 3, and the rest is pushed', async () => {
    edit();
    execFileSync('mkfifo', [join(work, 'pipe')]);
    const { snapshot, problems, push } = await lab.in('work', job(), 3);
    assert.deepEqual([problems.length, push.pushed.snapshots], [1, 1]);
    assert.equal(await tip(hub.store), snapshot);
    rmSync(join(work, 'pipe'));
    await catchesUp(undefined);
  });

  it('another command that holds the directory: exit 11, and nothing is made', async () => {
    edit();
    const before = await tip(join(work, '.plait'));
    const [volume] = readdirSync(join(work, '.plait', 'volumes'));
    const wait = { lockWaitMs: 0, random: Math.random };
    const lock = await takeFileLock(join(work, '.plait', 'volumes', volume, 'lock'), wait, 'the working directory');
    const { error } = await lab.in('work', [...job(), '--lock-wait', '1s'], 11);
    assert.equal(error.code, 'busy');
    lock.release();
    assert.equal(await tip(join(work, '.plait')), before);
    await catchesUp(undefined);
  });

  it('all of it is there in the end', async () => {
    const { snapshot } = await lab.in('work', job());
    assert.equal(await tip(hub.store), snapshot);
    assert.equal((await lab.in('work', ['doctor'])).ok, true);
  });

  describe('to a hub with tokens and a bound', () => {
    let small: Hub;
    let token: string;
    let snapshot: string;
    before(async () => {
      const store = lab.path('small');
      await lab.run(['init', '--bare', store]);
      await lab.run(['--store', store, 'config', 'set', 'hub.snapshot-bytes', '64K']);
      ({ token } = await lab.run(['--store', store, 'token', 'create', '--can', 'admin']));
      small = await lab.hub('small');
      await lab.in('work', ['remote', 'add', 'small', `${small.url}/data`]);
      edit();
    });

    it('no token: exit 12', async () => {
      const { error } = await lab.in('work', job('small'), 12);
      assert.equal(error.code, 'unauthorized');
      snapshot = error.data.snapshot;
      assert.match(snapshot, ID);
      assert.match(error.hint, /was made and is safe here/);
    });

    it('no room for it: exit 15', async () => {
      const env = { PLAIT_TOKEN: token };
      const { snapshot: same, push } = await lab.in('work', job('small'), 15, { env });
      assert.equal(same, snapshot, 'made once');
      assert.ok(push.problems.length > 0);
      const { checks } = await lab.in('work', ['doctor'], 18);
      assert.equal(checks.find((row: Document) => row.name === 'push small').ok, false);
      await small.stop();
      await lab.run(['--store', small.store, 'config', 'unset', 'hub.snapshot-bytes']);
      await lab.hub('small', '--listen', new URL(small.url).host);
      await lab.in('work', ['queue', 'retry', 'small']);
      await lab.in('work', job('small'), 0, { env });
      assert.equal(await tip(small.store), snapshot);
      assert.equal((await lab.in('work', ['doctor'])).ok, true);
    });
  });
});
