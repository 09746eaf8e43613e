/** Signals, closed pipes, no terminal: how the program ends when the outside world decides. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, type Hub, Lab } from './helpers/lab.ts';
import { assertTextFailure } from './helpers/outcome.ts';
import { BIN, cleanEnv, follow, LIMIT, plait, startPlait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

const EXITS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

describe('e2e: signals', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    for (let i = 0; i < 12; i++) writeFileSync(join(work, `part${i}`), noise(4 << 20, i + 1));
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  /** Stops a command as soon as it shows progress; it may also have ended by then. */
  async function interrupt(argv: string[], signal: NodeJS.Signals, exit: number): Promise<void> {
    const running = startPlait(['--json', '--progress', 'json', ...argv], { cwd: lab.dir, input: '' });
    await running.output(/\n/);
    running.child.kill(signal);
    const end = await running.ended;
    assert.ok(end.exit === exit || end.exit === 0, JSON.stringify(end));
    const document = JSON.parse(end.stdout);
    if (end.exit === 0) return;
    assert.deepEqual([document.error.code, document.error.exit], ['interrupted', exit]);
    assert.ok(document.error.hint);
  }

  for (const [signal, exit] of EXITS) {
    it(`${signal} stops snapshot, push and clone with ${exit}; the same command again does the rest`, async () => {
      await interrupt(['-C', work, 'snapshot'], signal, exit);
      await lab.verify(join(work, '.plait'));
      await lab.in('work', ['snapshot', '--skip-unchanged']);
      await interrupt(['-C', work, 'push'], signal, exit);
      await lab.verify(hub.store);
      await lab.in('work', ['push']);
      await lab.verify(hub.store);
      const copy = lab.path('copy');
      // Stopped right at its end, the clone is whole, and a second one has nothing to continue (exit 2).
      await interrupt(['clone', hub.url, copy], signal, exit);
      await lab.run(['clone', hub.url, copy], [0, 2]);
      assertSame(work, copy);
      await lab.verify(join(copy, '.plait'));
    });

    it(`${signal} ends a hub with 0, requests first`, async () => {
      await lab.in('work', ['snapshot']);
      const push = startPlait(['--json', '--progress', 'json', '-C', work, 'push'], { input: '' });
      await push.output(/pushing/);
      const stopped = await hub.stop(signal);
      assert.equal(stopped.exit, 0, JSON.stringify(stopped));
      assert.deepEqual(
        stopped.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).event),
        ['listening', 'stopped'],
      );
      const { exit } = await push.ended;
      assert.ok(exit === 0 || exit === 13 || exit === 11, `push ended with ${exit}`);
      await lab.verify(hub.store);
      await lab.verify(join(work, '.plait'));
    });
  }
});

describe('e2e: what the program is connected to', function () {
  this.timeout(60_000);
  let lab: Lab;
  let work: string;
  before(async () => {
    lab = new Lab();
    work = await lab.volume('work');
    for (let i = 0; i < 3000; i++) writeFileSync(join(work, `a-file-with-a-rather-long-name-${i}`), '');
    writeFileSync(join(work, 'big'), noise(8 << 20));
    await lab.in('work', ['snapshot']);
  });
  after(() => lab[Symbol.asyncDispose]());

  const shell = (command: string) =>
    follow(spawn('bash', ['-c', command], { cwd: work, env: cleanEnv({ NODE: process.execPath, BIN }), ...LIMIT }), '')
      .ended;

  it('a reader that goes away ends ls, cat and export quietly', async () => {
    for (const verb of ['ls main', 'ls main --json', 'cat main big', 'export main -']) {
      const { stderr } = await shell(`"$NODE" "$BIN" ${verb} | head -c 100 > /dev/null; echo "\${PIPESTATUS[0]}" >&2`);
      assert.equal(stderr, '0\n', verb);
    }
  });

  it('a full stdout is a failure', async () => {
    for (const verb of ['ls main', 'ls main --json', 'cat main big', 'export main -']) {
      const { exit, stderr } = await shell(`"$NODE" "$BIN" ${verb} > /dev/full`);
      assert.equal(exit, 15, `${verb}: ${stderr}`);
    }
  });

  it('a full stderr changes no exit code', async () => {
    const { exit, stdout } = await shell('"$NODE" "$BIN" log nothere 2> /dev/full');
    assert.deepEqual([exit, stdout], [10, '']);
  });

  it('no terminal: no escape codes, no carriage returns, nothing on stderr', async () => {
    for (const argv of [
      ['status'],
      ['log', '--graph'],
      ['snapshot'],
      ['verify', '--read-data'],
      ['branch', 'list'],
      ['--help'],
    ]) {
      const { stdout, stderr, exit } = await plait(argv, {
        cwd: work,
        env: { TERM: 'xterm-256color', COLORTERM: 'truecolor' },
      });
      assert.equal(exit, 0);
      assert.doesNotMatch(stdout + stderr, /[\u001b\r]/, argv.join(' '));
      assert.equal(stderr, '', argv.join(' '));
    }
  });

  it('a stack is shown with PLAIT_DEBUG=1 only', async () => {
    const wanted = { exit: 10, code: 'not-found', message: /nothere/ };
    assertTextFailure(await plait(['log', 'nothere'], { cwd: work }), wanted, 'log');
    const { stderr, stdout } = await plait(['log', 'nothere', '--json'], { cwd: work, env: { PLAIT_DEBUG: '1' } });
    assert.match(stderr, /\n {4}at /);
    assert.equal(JSON.parse(stdout).error.exit, 10);
  });
});
