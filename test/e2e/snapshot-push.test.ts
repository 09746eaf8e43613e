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

const JOB = ['snapshot', '--skip-unchanged', '--push', 'origin'];
const ID = /^[0-9a-f]{64}$/;

describe('e2e: snapshot --push under faults', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let line: BadNetwork;
  let work: string;
  let round = 0;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    line = await startBadNetwork({ to: hub.url });
    work = lab.path('work');
    await lab.run(['init', work, '--volset', 'data']);
    await lab.in('work', ['remote', 'add', 'origin', `${line.url}/data`]);
    edit();
    await lab.in('work', JOB);
  });
  after(async () => {
    await line.close();
    await lab[Symbol.asyncDispose]();
  });

  const edit = (): void => writeFileSync(join(work, 'file'), noise(1 << 20, ++round));
  const tip = async (store: string): Promise<string> =>
    (await lab.run(['--store', store, 'branch', 'list'])).branches.find((b: Document) => b.name === 'main').tip;

  /** All is over: the same command again does the rest. */
  async function catchesUp(snapshot: string | undefined, store = hub.store, job = JOB): Promise<void> {
    const { snapshot: last } = await lab.in('work', job);
    if (snapshot !== undefined) assert.equal(last, snapshot, 'made once');
    assert.equal(await tip(store), last);
    assert.equal((await lab.in('work', ['doctor'])).ok, true);
  }

  const NETWORK: [what: string, fault: Parameters<BadNetwork['set']>[0]][] = [
    ['a hub that is down', { refuse: true }],
    ['a line that is cut', { cutEach: { up: 128 << 10 } }],
  ];
  for (const [what, fault] of NETWORK) {
    it(`${what}: exit 13`, async () => {
      edit();
      await line.set(fault);
      const { error } = await lab.in('work', JOB, 13);
      assert.equal(error.code, 'network');
      assert.match(error.data.snapshot, ID);
      assert.match(error.hint, /was made and is safe here/);
      assert.equal(error.data.queued, 1);
      await line.set({ refuse: undefined, cutEach: undefined });
      await catchesUp(error.data.snapshot);
    });
  }

  for (const [status, exit] of [
    [503, 13],
    [500, 17],
  ] as const) {
    it(`a proxy that answers ${status}: exit ${exit}`, async () => {
      edit();
      const server = createServer((_, answer) => answer.writeHead(status).end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      await lab.in('work', ['remote', 'set-url', 'origin', `http://127.0.0.1:${port}/data`]);
      const { error } = await lab.in('work', JOB, exit);
      assert.match(error.data.snapshot, ID);
      server.close();
      await lab.in('work', ['remote', 'set-url', 'origin', `${line.url}/data`]);
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
      const running = startPlait(['--json', ...JOB], { cwd: work, input: '' });
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
    const { snapshot, problems, push } = await lab.in('work', JOB, 3);
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
    const { error } = await lab.in('work', [...JOB, '--lock-wait', '1s'], 11);
    assert.equal(error.code, 'busy');
    lock.release();
    assert.equal(await tip(join(work, '.plait')), before);
    await catchesUp(undefined);
  });

  it('a hub without room for it: exit 15', async () => {
    const store = lab.path('small');
    await lab.run(['init', '--bare', store]);
    await lab.run(['--store', store, 'config', 'set', 'hub.snapshot-bytes', '64K']);
    const small = await lab.hub('small');
    await lab.in('work', ['remote', 'add', 'small', `${small.url}/data`]);
    edit();
    const job = ['snapshot', '--skip-unchanged', '--push', 'small'];
    const { snapshot, push } = await lab.in('work', job, 15);
    assert.match(snapshot, ID);
    assert.ok(push.problems.length > 0);
    const { checks } = await lab.in('work', ['doctor'], 18);
    assert.equal(checks.find((row: Document) => row.name === 'push small').ok, false);
    await small.stop();
    await lab.run(['--store', store, 'config', 'unset', 'hub.snapshot-bytes']);
    await lab.hub('small', '--listen', new URL(small.url).host);
    await lab.in('work', ['queue', 'retry', 'small']);
    await catchesUp(snapshot, store, job);
  });
});
