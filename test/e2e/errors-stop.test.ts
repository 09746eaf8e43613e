/** A signal ends a command within a second plus the current write, whatever it waits for. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeFileLock } from '../../src/blob/index.ts';
import { type BadNetwork, startBadNetwork } from '../helpers/bad-network.ts';
import { assertSame, type Hub, Lab } from './helpers/lab.ts';
import { startPlait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

/** Far below every time-out and pause of the program, far above what an ending process needs on a busy machine. */
const SOON_MS = 5000;

/** Whether the process has the file open: from then on it waits for its turn, or is about to. */
function holds(pid: number, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file);
  } catch (error) {
    // A descriptor that was closed in between, or a process that has not begun.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

describe('e2e: a stop is answered, whatever the network does', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let line: BadNetwork;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    line = await startBadNetwork({ to: hub.url });
    await lab.run(['init', lab.path('work'), '--volset', 'data']);
    work = lab.path('work');
    await lab.in('work', ['remote', 'add', 'origin', `${line.url}/data`]);
    for (let i = 0; i < 6; i++) writeFileSync(join(work, `part${i}`), noise(4 << 20, i + 1));
    await lab.in('work', ['snapshot']);
  });
  afterEach(async () => {
    await line.close();
    await lab[Symbol.asyncDispose]();
  });

  /** Runs until `reached`, then stops it; asserts how it ends. */
  async function stop(
    argv: string[],
    signal: 'SIGINT' | 'SIGTERM',
    reached: (pid: number) => boolean,
    cwd = work,
  ): Promise<void> {
    const running = startPlait(['--json', ...argv], { cwd, input: '' });
    let over = false;
    void running.ended.then(() => (over = true));
    while (!reached(running.child.pid ?? 0) && !over) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(over, false, 'it waits');
    const start = performance.now();
    running.child.kill(signal);
    const end = await running.ended;
    assert.equal(end.exit, signal === 'SIGINT' ? 130 : 143, JSON.stringify(end));
    assert.equal(JSON.parse(end.stdout).error.code, 'interrupted');
    assert.ok(performance.now() - start < SOON_MS, `${Math.round(performance.now() - start)} ms`);
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal}: a push and a sync whose upload stands still; the next push does the rest`, async () => {
      const point = line.stats.up + (6 << 20);
      await line.set({ stall: { up: point } });
      await stop(['push'], signal, () => line.stats.up === point);
      const { connections } = line.stats;
      await stop(['sync'], signal, () => line.stats.connections > connections);
      await lab.verify(hub.store);
      await line.set({ stall: undefined });
      await lab.in('work', ['push']);
      await lab.run(['clone', hub.url, lab.path('copy')]);
      assertSame(work, lab.path('copy'));
    });

    it(`${signal}: a clone and a pull whose download stands still; the same again does the rest`, async () => {
      await lab.in('work', ['push']);
      const copy = lab.path('copy');
      const point = line.stats.down + (6 << 20);
      await line.set({ stall: { down: point } });
      await stop(['clone', `${line.url}/data`, copy], signal, () => line.stats.down === point, lab.dir);
      await line.set({ stall: undefined });
      await lab.run(['clone', `${line.url}/data`, copy]);
      assertSame(work, copy);
      writeFileSync(join(work, 'more'), noise(4 << 20, 99));
      await lab.in('work', ['snapshot']);
      await lab.in('work', ['push']);
      const next = line.stats.down + (1 << 20);
      await line.set({ stall: { down: next } });
      await stop(['pull'], signal, () => line.stats.down === next, copy);
      await lab.verify(join(copy, '.plait'));
      await line.set({ stall: undefined });
      await lab.run(['-C', copy, 'pull']);
      assertSame(work, copy);
    });

    it(`${signal}: a pause before the next attempt, and an answer that does not come`, async () => {
      await line.set({ stall: { down: line.stats.down } });
      const before = line.stats.up;
      await stop(['push'], signal, () => line.stats.up > before);
      await line.set({ stall: undefined, cutEach: { down: 0 } });
      const { connections } = line.stats;
      await stop(['push'], signal, () => line.stats.connections >= connections + 2);
      await line.set({ cutEach: undefined });
      await lab.in('work', ['push']);
    });

    it(`${signal}: another command that holds the working directory`, async () => {
      const [volume] = readdirSync(join(work, '.plait', 'volumes'));
      const wait = { lockWaitMs: 0, random: Math.random };
      const lock = await takeFileLock(join(work, '.plait', 'volumes', volume, 'lock'), wait, 'the working directory');
      writeFileSync(join(work, 'more'), 'more');
      await stop(['snapshot'], signal, (pid) => holds(pid, join(work, '.plait', 'index.db')));
      lock.release();
      await lab.in('work', ['push']);
    });
  }

  it('a second signal ends it at once', async () => {
    await line.set({ stall: { up: 0 } });
    const running = startPlait(['push'], { cwd: work, input: '' });
    while (line.stats.upTaken === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    running.child.kill('SIGINT');
    running.child.kill('SIGTERM');
    const end = await running.ended;
    assert.ok(
      [130, 143].includes(end.exit ?? 0) || ['SIGINT', 'SIGTERM'].includes(String(end.signal)),
      JSON.stringify(end),
    );
    await line.set({ stall: undefined });
    await lab.in('work', ['push']);
    await lab.verify(hub.store);
  });
});
