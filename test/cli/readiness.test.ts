import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ready } from '../../src/cli/readiness.ts';
import { selectReporter } from '../../src/cli/reporter/select.ts';
import { plait, startPlait } from '../e2e/helpers/plait.ts';
import { keptIo } from './fakes.ts';

/** A systemd-notify that writes what it was given to the file that is named as its socket. */
const FAKE = '#!/bin/sh\necho "$*" >> "$NOTIFY_SOCKET"\n';

class Desk implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-ready-'));
  readonly socket = join(this.dir, 'socket');
  readonly env = { NOTIFY_SOCKET: this.socket, PATH: `${this.dir}:/usr/bin:/bin`, PLAIT_TOKEN: 'secret' };
  readonly #ending = new AbortController();
  readonly io = keptIo(this.env);
  readonly #closers: (() => unknown)[] = [];

  constructor(program: string | null = FAKE) {
    if (program !== null) writeFileSync(join(this.dir, 'systemd-notify'), program, { mode: 0o755 });
  }

  ready(status: string, io = this.io) {
    const onClose = (close: () => unknown): void => void this.#closers.push(close);
    return ready({ io, signal: this.#ending.signal, reporter: selectReporter('auto', false, io), onClose }, status);
  }

  abort(): void {
    this.#ending.abort();
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }

  told(): string[] {
    if (!existsSync(this.socket)) return [];
    // The shell makes the file before it writes.
    return readFileSync(this.socket, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(20);
}

describe('cli: readiness', () => {
  it('tells that it is ready, what it does, and that it stops, in this order', async () => {
    using desk = new Desk();
    const tell = await desk.ready('following origin');
    assert.deepEqual(desk.told(), ['--ready --status=following origin']);
    tell('origin: in sync');
    // Too soon after the one before, and told late by nobody: the run ends first.
    tell('origin: waiting');
    desk.abort();
    tell('origin: too late');
    await desk.close();
    assert.deepEqual(desk.told().slice(1), ['--status=origin: in sync', 'STOPPING=1']);
    assert.equal(desk.io.stderr.text, '');
  });

  it('tells that it stops when it ends by itself, once', async () => {
    using desk = new Desk();
    await desk.ready('x');
    await desk.close();
    desk.abort();
    await desk.close();
    assert.deepEqual(desk.told(), ['--ready --status=x', 'STOPPING=1']);
  });

  it('says nothing to nobody', async () => {
    using desk = new Desk();
    const tell = await desk.ready('x', keptIo({ ...desk.env, NOTIFY_SOCKET: '' }));
    tell('y');
    await desk.close();
    assert.deepEqual(desk.told(), []);
  });

  it('a name cannot bring a line of its own', async () => {
    using desk = new Desk();
    await desk.ready('following a\nMAINPID=1\u0000 b');
    assert.deepEqual(desk.told(), ['--ready --status=following a MAINPID=1  b']);
  });

  it('gives the helper no token', async () => {
    using desk = new Desk('#!/bin/sh\nenv >> "$NOTIFY_SOCKET"\n');
    await desk.ready('x');
    assert.match(desk.told().join('\n'), /^NOTIFY_SOCKET=/m);
    assert.doesNotMatch(desk.told().join('\n'), /secret/);
  });

  const failures: [what: string, program: string | null, reason: RegExp][] = [
    ['that is not there', null, /it is not installed/],
    ['that fails', '#!/bin/sh\necho "Failed to send: refused" >&2\nexit 1\n', /Failed to send: refused/],
    ['that fails without a word', '#!/bin/sh\nexit 3\n', /systemd-notify\): \S/],
  ];
  for (const [what, program, reason] of failures) {
    it(`a systemd-notify ${what}: one warning, and the run goes on`, async () => {
      using desk = new Desk(program);
      const io = keptIo({ ...desk.env, PATH: desk.dir });
      const tell = await desk.ready('x', io);
      tell('y');
      await desk.close();
      assert.match(io.stderr.text, /^warning: the service manager could not be told.*\n$/);
      assert.match(io.stderr.text, reason);
    });
  }

  const runs: [argv: (dir: string) => string[], status: (dir: string) => string][] = [
    [
      (dir) => ['serve', join(dir, 'hub'), '--listen', '127.0.0.1:0'],
      (dir) => `serving ${join(dir, 'hub')} at http://`,
    ],
    [(dir) => ['-C', join(dir, 'data'), 'watch'], (dir) => `watching ${join(dir, 'data')}`],
  ];
  for (const [argv, status] of runs) {
    it(`${argv('').join(' ')}: when it is what it is called, and when it stops`, async () => {
      using desk = new Desk();
      assert.equal((await plait(['init', join(desk.dir, 'data')])).exit, 0);
      const env = { ...desk.env, PATH: `${desk.dir}:${process.env.PATH}` };
      const { child, ended } = startPlait(argv(desk.dir), { env });
      await until(() => desk.told().length > 0);
      assert.ok(desk.told()[0].startsWith(`--ready --status=${status(desk.dir)}`), desk.told()[0]);
      child.kill('SIGTERM');
      assert.equal((await ended).exit, 0);
      assert.deepEqual(desk.told().slice(1), ['STOPPING=1']);
    });
  }
});
