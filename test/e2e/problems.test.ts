import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Lab } from './helpers/lab.ts';
import { BIN, cleanEnv, follow, startPlait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

const NOBODY = 65534;
const whats = (rows: { what: string; path: string }[]) => rows.map((row) => `${row.what} ${row.path}`).sort();

describe('e2e: rules, unreadable things and guards', function () {
  this.timeout(60_000);
  let lab: Lab;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    work = await lab.volume('work');
  });
  afterEach(() => lab[Symbol.asyncDispose]());
  const put = (name: string, text: string) => writeFileSync(join(work, name), text);

  it('.plaitignore keeps new paths out and deletes nothing that is tracked', async () => {
    put('keep.txt', 'keep');
    put('build.log', 'tracked before the rules');
    mkdirSync(join(work, 'out'));
    put('out/old.o', 'tracked too');
    await lab.in('work', ['snapshot']);
    put('.plaitignore', '*.log\nout/\n');
    put('other.log', 'never seen');
    put('out/new.o', 'never seen');
    const made = await lab.in('work', ['snapshot']);
    assert.deepEqual([made.new, made.changed, made.deleted], [1, 0, 0]);
    put('build.log', 'tracked, so its edits are too');
    const status = await lab.in('work', ['status']);
    assert.deepEqual(
      status.modified.map((row: { path: string }) => row.path),
      ['build.log'],
    );
    assert.deepEqual([status.added, status.deleted], [[], []]);
    const names = (await lab.in('work', ['ls', 'main'])).entries.map((row: { path: string }) => row.path);
    assert.deepEqual(names, ['.plaitignore', 'build.log', 'keep.txt', 'out']);
    assert.equal(await lab.text(['-C', work, 'cat', 'main', 'out/old.o']), 'tracked too');
  });

  it('special files are left out and named, exit 3', async () => {
    put('plain', 'plain');
    execFileSync('mkfifo', [join(work, 'pipe')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(work, 'socket'), resolve));
    const made = await lab.in('work', ['snapshot'], 3);
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual([made.created, made.files], [true, 1]);
    assert.deepEqual(whats(made.problems), ['special-file pipe', 'special-file socket']);
    const end = await lab.text(['-C', work, 'snapshot', '--skip-unchanged'], 3);
    assert.match(end, /problem: .*pipe/);
  });

  it('what another user may not read is named, exit 3, and kept as it was', async () => {
    assert.equal(process.getuid?.(), 0, 'this test runs as root and lets another user run plait');
    put('open', 'open');
    put('closed', 'closed, first');
    mkdirSync(join(work, 'room'), { mode: 0o700 });
    put('room/inside', 'inside');
    const all = execFileSync('find', [lab.dir, '-print0'], { encoding: 'utf8' }).split('\0').filter(Boolean);
    for (const path of all) chownSync(path, NOBODY, NOBODY);
    const asNobody = async (argv: string[]) => {
      const args = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, BIN, '--json', ...argv];
      const child = spawn('setpriv', args, { cwd: work, env: cleanEnv({ HOME: lab.dir }), stdio: 'pipe' });
      const end = await follow(child, '').ended;
      return { exit: end.exit, document: JSON.parse(end.stdout) };
    };
    const first = await asNobody(['snapshot']);
    assert.deepEqual([first.exit, first.document.problems], [0, []]);
    put('closed', 'closed, second');
    put('open', 'open, second');
    chownSync(join(work, 'closed'), 0, 0);
    chmodSync(join(work, 'closed'), 0o600);
    chownSync(join(work, 'room'), 0, 0);
    const second = await asNobody(['snapshot']);
    assert.equal(second.exit, 3);
    assert.deepEqual(whats(second.document.problems), ['unreadable closed', 'unreadable room']);
    assert.deepEqual([second.document.changed, second.document.deleted], [1, 0]);
    const third = await asNobody(['verify', '--read-data']);
    assert.deepEqual([third.exit, third.document.ok], [0, true]);
    assert.equal(await lab.text(['-C', work, 'cat', 'main', 'closed']), 'closed, first');
    assert.equal(await lab.text(['-C', work, 'cat', 'main', 'room/inside']), 'inside');
    assert.equal(await lab.text(['-C', work, 'cat', 'main', 'open']), 'open, second');
  });

  it('a file that is being written is never torn', async () => {
    const path = join(work, 'busy');
    const size = 16 << 20;
    const fill = (letter: string) => Buffer.alloc(size, letter);
    writeFileSync(path, fill('a'));
    put('quiet', 'quiet');
    await lab.in('work', ['snapshot']);
    const running = startPlait(['--json', 'snapshot'], { cwd: work, input: '' });
    const fd = openSync(path, 'r+');
    let ended = false;
    void running.ended.then(() => {
      ended = true;
    });
    // Whole rewrites in small pieces, letter after letter, until the snapshot is done.
    for (let round = 0; !ended; round++) {
      const piece = Buffer.alloc(1 << 18, 'bcdefg'[round % 6]);
      for (let at = 0; at < size && !ended; at += piece.length) {
        writeSync(fd, piece, 0, piece.length, at);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const end = await running.ended;
    const made = JSON.parse(end.stdout);
    const kept = await lab.text(['-C', work, 'cat', 'main', 'busy']);
    if (end.exit === 3) {
      assert.deepEqual(whats(made.problems), ['changed-while-read busy']);
      assert.ok(kept === fill('a').toString(), 'what the last snapshot had is kept');
    } else {
      // At any moment the file holds one letter, then the letter before it: no read of two moments looks like that.
      assert.equal(end.exit, 0);
      const written = [...new Set(kept)];
      const switched = kept.lastIndexOf(kept[0]) + 1;
      const tail = kept.slice(switched);
      assert.ok(written.length <= 2 && tail === (written[1] ?? '').repeat(tail.length), 'torn');
      const before: Record<string, string> = { b: 'ag', c: 'b', d: 'c', e: 'd', f: 'e', g: 'f' };
      assert.ok(tail === '' || before[kept[0]]?.includes(written[1]), `torn: ${written}`);
      assert.equal(kept.length, size);
    }
  });

  it('an emptied directory exits 9 and changes nothing', async () => {
    for (let i = 0; i < 20; i++) put(`file-${i}`, `${i}`);
    const first = await lab.in('work', ['snapshot']);
    for (let i = 0; i < 20; i++) rmSync(join(work, `file-${i}`));
    const stopped = await lab.in('work', ['snapshot'], 9);
    assert.equal(stopped.error.exit, 9);
    assert.match(stopped.error.hint, /PLAIT_MAX_DELETE=100%/);
    const log = await lab.in('work', ['log']);
    assert.deepEqual(
      log.snapshots.map((row: { snapshot: string }) => row.snapshot),
      [first.snapshot],
    );
    assert.equal((await lab.in('work', ['status'])).deleted.length, 20);
    const forced = await lab.in('work', ['snapshot'], 0, { env: { PLAIT_MAX_DELETE: '100%' } });
    assert.deepEqual([forced.deleted, forced.files], [20, 0]);
    await lab.verify(join(work, '.plait'));
    await lab.in('work', ['restore', 'main~1']);
    assert.equal(readFileSync(join(work, 'file-7'), 'utf8'), '7');
  });

  it('a working directory that is gone is not an empty one', async () => {
    const store = lab.path('store');
    await lab.run(['init', lab.path('far'), '--store', store]);
    writeFileSync(lab.path('far', 'data'), noise(1000));
    await lab.in('far', ['snapshot']);
    rmSync(lab.path('far'), { recursive: true });
    const end = await lab.run(['-C', lab.path('far'), '--store', store, 'snapshot'], [2, 10]);
    assert.ok(end.error.hint);
    assert.equal((await lab.run(['--store', store, 'log'])).snapshots.length, 1);
  });
});
