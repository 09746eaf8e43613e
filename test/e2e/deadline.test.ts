/** `--deadline`: a command that cannot go on ends in good order at its time, exit 13, and loses nothing. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { takeFileLock } from '../../src/blob/index.ts';
import { type BadNetwork, startBadNetwork } from '../helpers/bad-network.ts';
import { assertSame, type Document, type Hub, Lab } from './helpers/lab.ts';
import { plait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

/** Long enough for a command to be at its work, even on a busy machine. */
const DEADLINE = '6s';
/** What waits without a deadline waits for longer than this. */
const FAR_MS = 30_000;

describe('e2e: --deadline', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let line: BadNetwork;
  let work: string;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    line = await startBadNetwork({ to: hub.url });
    work = lab.path('work');
    await lab.run(['init', work, '--volset', 'data']);
    await lab.in('work', ['remote', 'add', 'origin', `${line.url}/data`]);
    writeFileSync(join(work, 'big'), noise(2 << 20, 1));
  });
  after(async () => {
    await line.close();
    await lab[Symbol.asyncDispose]();
  });

  /** Runs it with the deadline; the error that it ends with. */
  async function passes(argv: string[], { deadline = DEADLINE, cwd = work } = {}): Promise<Document> {
    const start = performance.now();
    const { error } = await lab.run([...argv, '--deadline', deadline], 13, { cwd });
    assert.ok(performance.now() - start < FAR_MS, `${Math.round(performance.now() - start)} ms`);
    assert.equal(error.code, 'deadline', JSON.stringify(error));
    assert.match(error.message, /^the deadline of [\d.]+ s has passed$/);
    assert.match(error.hint, /run it again/);
    return error;
  }

  it('snapshot --push over a line that stands still: the snapshot is named, the push is queued, the next run sends it', async () => {
    await line.set({ stall: { up: 512 << 10 } });
    const { hint, data } = await passes(['snapshot', '--push', 'origin']);
    assert.match(data.snapshot, /^[0-9a-f]{64}$/);
    assert.match(hint, new RegExp(`^snapshot ${data.snapshot.slice(0, 12)} was made and is safe here; `));
    const [{ entries }] = (await lab.in('work', ['queue', 'list'])).remotes;
    assert.deepEqual(
      entries.map((row: Document) => row.snapshot),
      [data.snapshot],
    );
    await lab.verify(join(work, '.plait'));
    await line.set({ stall: undefined });
    const { push } = await lab.in('work', ['snapshot', '--skip-unchanged', '--push', 'origin']);
    assert.equal(push.pushed.snapshots, 1);
    await lab.verify(hub.store);
  });

  it('a clone is gone on with, and a follower ends', async () => {
    const copy = lab.path('copy');
    await line.set({ stall: { down: line.stats.down + (1 << 20) } });
    await passes(['clone', `${line.url}/data`, copy]);
    await line.set({ stall: undefined });
    const { continued } = await lab.run(['clone', `${line.url}/data`, copy]);
    assert.equal(continued, true);
    assertSame(work, copy);
    const end = await plait(['sync', '--follow', '--json', '--deadline', '4s'], { cwd: copy });
    assert.equal(end.exit, 13, JSON.stringify(end));
    const last = JSON.parse(end.stdout.trim().split('\n').at(-1) ?? '');
    assert.equal(last.error.code, 'deadline');
  });

  it('while another command holds the working directory, or writes to the metadata', async () => {
    const [volume] = readdirSync(join(work, '.plait', 'volumes'));
    const wait = { lockWaitMs: 0, random: Math.random };
    const lock = await takeFileLock(join(work, '.plait', 'volumes', volume, 'lock'), wait, 'the working directory');
    await passes(['snapshot'], { deadline: '3s' });
    lock.release();
    using db = new DatabaseSync(join(work, '.plait', 'meta.db'));
    db.exec('BEGIN IMMEDIATE');
    await passes(['branch', 'create', 'other'], { deadline: '3s' });
    db.exec('ROLLBACK');
    await lab.in('work', ['branch', 'create', 'other']);
  });

  it('is taken from the environment and from config, and is none for a hub', async () => {
    await line.set({ stall: { up: line.stats.up } });
    const env = { PLAIT_DEADLINE: '3s' };
    const { error } = await lab.in('work', ['pull'], 13, { env });
    assert.equal(error.code, 'deadline');
    await line.set({ stall: undefined });
    await lab.in('work', ['config', 'set', 'deadline', '30m']);
    await lab.in('work', ['pull']);
    await lab.in('work', ['config', 'unset', 'deadline']);
    assert.match((await lab.in('work', ['pull', '--deadline', '0s'], 2)).error.message, /no time at all/);
    assert.match((await lab.run(['serve', hub.store, '--deadline', '1h'], 2)).error.message, /takes no --deadline/);
    const served = await lab.hubWith(env, 'second');
    assert.equal((await served.stop()).exit, 0);
  });
});
