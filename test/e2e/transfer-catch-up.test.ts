/**
 * What a hub may have to catch up with, each cut early, in the middle and late, by whoever can fail: whatever it is, the
 * next push or sync brings the rest, and then nothing is left to send.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { CutLine, type Strike, VICTIMS } from './helpers/cut-line.ts';
import { type Document, Lab } from './helpers/lab.ts';
import { startPlait } from './helpers/plait.ts';
import { assertSettled } from './helpers/transfer-cuts.ts';
import { noise } from './helpers/trees.ts';

/** Of one snapshot; it takes more than one part. */
const BYTES = 2_500_000;
/** Sent again by one stream after one cut, at most: a part is full with 1 MiB, and may hold most of another block. */
const AGAIN = 3 * 1024 * 1024;

describe('e2e: each stage of catching up, cut on its way', function () {
  this.timeout(240_000);
  let lab: Lab;
  let line: CutLine;
  /** Latest first, as logs are. */
  const made: string[] = [];
  let hits = 0;
  before(async () => {
    lab = new Lab();
    line = await CutLine.start(lab);
    await lab.volume('work');
    await lab.in('work', ['remote', 'add', 'origin', line.url]);
    await snapshot();
    await lab.in('work', ['push']);
  });
  after(async () => {
    await line[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  async function snapshot(): Promise<string> {
    writeFileSync(lab.path('work', `file-${made.length % 4}`), noise(BYTES, made.length + 1));
    const { snapshot: id } = await lab.in('work', ['snapshot']);
    made.unshift(id);
    return id;
  }

  const through = (verb: string[], planned: Strike[]) => line.through(['-C', lab.path('work'), ...verb], planned);
  const heldThere = async (): Promise<string[]> =>
    (await lab.run(['--store', line.store, 'log', 'branch:main'])).snapshots
      .filter(({ hasBlob }: Document) => hasBlob)
      .map((row: Document) => row.snapshot);

  async function assertCaughtUp(hubFell: boolean): Promise<void> {
    await assertSettled(lab, 'work', 'origin', hubFell);
    assert.deepEqual(await heldThere(), made);
  }

  /** Early, in the middle, late; each time it hits another. */
  async function atEachPoint(bytes: number, stage: (strike: Strike) => Promise<void>): Promise<void> {
    for (const share of [0.01, 0.5, 0.95]) {
      const strike = { victim: VICTIMS[hits++ % VICTIMS.length], at: Math.floor(share * bytes) };
      try {
        await stage(strike);
        await assertCaughtUp(strike.victim === 'hub');
      } catch (error) {
        throw new Error(JSON.stringify(strike), { cause: error });
      }
    }
    // The first point of the next stage has the next victim.
    hits++;
  }

  it('what was queued while the hub was down', async () => {
    await atEachPoint(2 * BYTES, async (strike) => {
      await line.line.set({ refuse: true });
      await snapshot();
      const failed = await lab.in('work', ['push'], 13);
      assert.equal(failed.error.data.queued, 1);
      await snapshot();
      assert.equal((await lab.in('work', ['push', '--enqueue'])).waiting, 2);
      await line.line.set({ refuse: false });
      assert.equal((await through(['sync'], [strike])).struck.length, 1);
    });
  });

  it('what a push left that was killed on its way', async () => {
    await atEachPoint(2 * BYTES, async ({ at }) => {
      for (let n = 0; n < 2; n++) await snapshot();
      const push = ['push', '--parallel', '1'];
      const { bytes, runs, result } = await through(push, [{ victim: 'client', at: at as number }]);
      assert.deepEqual([runs, result.problems], [2, []]);
      const most = 2 * BYTES + AGAIN;
      assert.ok(bytes <= most, `${bytes} bytes`);
      assert.ok(result.pushed.bytes <= most - (at as number), `${result.pushed.bytes} bytes after ${at}`);
    });
  });

  it('history up to the last contact, which brought the tip alone', async () => {
    await atEachPoint(BYTES, async (strike) => {
      const before = made.slice();
      await snapshot();
      const tip = await snapshot();
      await lab.in('work', ['push', '--tips']);
      assert.deepEqual(await heldThere(), [tip, ...before]);
      assert.equal((await through(['push'], [strike])).struck.length, 1);
    });
  });

  it('history since the last contact', async () => {
    await atEachPoint(2 * BYTES, async (strike) => {
      for (let n = 0; n < 2; n++) await snapshot();
      assert.equal((await through(['push'], [strike])).struck.length, 1);
    });
  });

  it('what another process makes and queues while a push is on its way', async () => {
    await atEachPoint(BYTES, async ({ victim, at }) => {
      await snapshot();
      // The push stands still there until the other process is done.
      const point = line.line.stats.up + (at as number);
      await line.line.set({ stall: { up: point } });
      const push = startPlait(['--json', '-C', lab.path('work'), 'push'], { input: '' });
      await reached(point);
      await snapshot();
      assert.equal((await lab.in('work', ['push', '--enqueue'])).waiting, 2);
      await Promise.all([line.strike(victim, push), line.line.set({ stall: {} })]);
      const { exit, signal } = await push.ended;
      assert.ok(exit === 0 || exit === 13 || signal === 'SIGKILL', `exit ${exit}`);
      // The branch goes there as it was when a push began.
      await lab.in('work', ['push']);
    });
  });

  it('such a thing goes with the push that is on its way', async () => {
    await snapshot();
    const point = line.line.stats.up + BYTES / 2;
    await line.line.set({ stall: { up: point } });
    const push = startPlait(['--json', '-C', lab.path('work'), 'push'], { input: '' });
    await reached(point);
    const live = await snapshot();
    await lab.in('work', ['push', '--enqueue']);
    await line.line.set({ stall: {} });
    const { exit, stdout } = await push.ended;
    assert.deepEqual([exit, JSON.parse(stdout).pushed.snapshots], [0, 2]);
    const after = await lab.in('work', ['push']);
    assert.deepEqual([after.pushed.snapshots, (await heldThere())[0]], [0, live]);
    await assertCaughtUp(false);
  });

  it('and every byte is right', () => lab.verify(line.store));

  async function reached(point: number): Promise<void> {
    while (line.line.stats.up < point) await new Promise((resolve) => setTimeout(resolve, 1));
  }
});
