/** A disk that is full, or that may not be written: exit 15 or 1, nothing half-written, and it goes on after that. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { assertSame, type Hub, Lab } from './helpers/lab.ts';
import { assertJsonFailure, type Failure, fails } from './helpers/outcome.ts';
import { BIN, cleanEnv, follow, LIMIT } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

const NOBODY = 65534;
const FULL: Failure = { exit: 15, code: 'no-space', message: /full|space/i, hint: /room|space/i };

/** A small file system of its own, gone with `unmount`. */
function mountSmall(dir: string, size: string): { fill(): void; free(): void; unmount(): void } {
  mkdirSync(dir, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'plait-test', dir]);
  const filler = join(dir, 'filler');
  return {
    fill: () => {
      const fd = openSync(filler, 'w');
      try {
        for (let size = 1 << 16; size > 0; size >>= 1) {
          try {
            for (;;) writeSync(fd, Buffer.alloc(size));
          } catch (error) {
            assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
          }
        }
      } finally {
        closeSync(fd);
      }
    },
    free: () => rmSync(filler, { force: true }),
    unmount: () => execFileSync('umount', ['-l', dir]),
  };
}

/** Runs plait as the user nobody. */
const asNobody = (argv: string[], cwd: string) => {
  const drop = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', process.execPath, BIN];
  return follow(spawn('setpriv', [...drop, ...argv], { cwd, env: cleanEnv({ HOME: '/nonexistent' }), ...LIMIT }), '')
    .ended;
};

describe('e2e: full disks', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let disks: ReturnType<typeof mountSmall>[];
  const disk = (name: string, size: string) => {
    const made = mountSmall(lab.path(name), size);
    disks.push(made);
    return made;
  };
  beforeEach(async () => {
    assert.equal(process.getuid?.(), 0, 'this test runs as root: it mounts small file systems');
    lab = new Lab();
    disks = [];
    hub = await lab.hub();
  });
  afterEach(async () => {
    for (const { unmount } of disks) unmount();
    await lab[Symbol.asyncDispose]();
  });

  it('init leaves no store that is half-made, however little room there is', async () => {
    for (const kilobytes of [4, 64, 160, 256]) {
      const small = disk(`tiny-${kilobytes}`, `${kilobytes}k`);
      const dir = lab.path(`tiny-${kilobytes}`, 'work');
      await fails(['init', dir], FULL);
      execFileSync('mount', ['-o', 'remount,size=4m', lab.path(`tiny-${kilobytes}`)]);
      await lab.run(['init', dir]);
      await lab.verify(join(dir, '.plait'));
      small.unmount();
      disks.pop();
    }
  });

  it('the store: snapshot and everything else exit 15, and go on when there is room', async () => {
    const work = lab.path('work');
    const small = disk('disk', '6m');
    await lab.run(['init', work, '--store', lab.path('disk/store')]);
    writeFileSync(join(work, 'one'), noise(1 << 20));
    const first = await lab.in('work', ['snapshot']);
    writeFileSync(join(work, 'two'), noise(2 << 20, 2));
    small.fill();
    await fails(['snapshot'], FULL, { cwd: work });
    await fails(['branch', 'create', 'side'], FULL, { cwd: work });
    small.free();
    writeFileSync(join(work, 'big'), noise(8 << 20, 3));
    await fails(['snapshot'], FULL, { cwd: work });
    rmSync(join(work, 'big'));
    assert.equal((await lab.in('work', ['log'])).snapshots[0].snapshot, first.snapshot);
    await lab.verify(lab.path('disk/store'));
    const second = await lab.in('work', ['snapshot']);
    assert.deepEqual([second.new, second.parents], [1, [first.snapshot]]);
    await lab.verify(lab.path('disk/store'));
  });

  it('the target of clone, checkout, restore, export and import', async () => {
    const work = await lab.volume('work', hub);
    await lab.in('work', ['snapshot']);
    writeFileSync(join(work, 'one'), noise(1 << 20));
    writeFileSync(join(work, 'two'), noise(1 << 20, 2));
    await lab.in('work', ['snapshot', '--push', 'origin']);
    const small = disk('disk', '3m');
    const target = lab.path('disk/copy');
    const url = `${hub.url}/data`;

    await fails(['clone', url, target], FULL);
    execFileSync('mount', ['-o', 'remount,size=8m', lab.path('disk')]);
    await lab.run(['clone', url, target]);
    assertSame(work, target);
    await lab.verify(join(target, '.plait'));

    await lab.run(['-C', target, 'checkout', 'main~1']);
    small.fill();
    await fails(['-C', target, 'checkout', 'main'], FULL);
    await fails(['-C', work, 'restore', 'main', '--to', lab.path('disk/back')], FULL);
    small.free();
    await lab.run(['-C', target, 'checkout', 'main']);
    assertSame(work, target);
    await lab.run(['-C', target, 'status', '--exit-code']);
    await lab.verify(join(target, '.plait'));
    rmSync(target, { recursive: true });

    small.fill();
    const bundle = lab.path('disk/bundle');
    const text = await lab.text(['-C', work, 'export', 'main', bundle], 15);
    assert.equal(text, '');
    small.free();
    assert.deepEqual(
      readdirSync(lab.path('disk')).filter((name) => /bundle/.test(name)),
      [],
    );
    await lab.text(['-C', work, 'export', 'main', bundle]);
    await lab.run(['init', '--bare', lab.path('disk/bare')]);
    execFileSync('mount', ['-o', 'remount,size=3m', lab.path('disk')]);
    await fails(['--store', lab.path('disk/bare'), 'import', bundle], FULL);
    execFileSync('mount', ['-o', 'remount,size=12m', lab.path('disk')]);
    await lab.run(['--store', lab.path('disk/bare'), 'import', bundle]);
    await lab.verify(lab.path('disk/bare'));
  });

  it("the hub's: each snapshot that does not fit is refused with 15, the others get through, nothing stays behind", async () => {
    const small = disk('disk', '20m');
    const served = await lab.hub('disk/hub');
    const work = await lab.volume('work', served);
    writeFileSync(join(work, 'small'), 'small');
    const first = await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
    const reached = await lab.in('work', ['remote', 'show', 'origin']);
    assert.equal(reached.volsets.length, 1);
    writeFileSync(join(work, 'big'), noise(24 << 20, 3));
    const second = await lab.in('work', ['snapshot']);
    const pushed = await lab.in('work', ['push'], 15);
    const said = JSON.stringify(pushed);
    assert.match(said, /space|full/i);
    const there = (await lab.in('work', ['remote', 'show', 'origin'])).volsets[0].branches[0];
    assert.equal(there.tip, first.snapshot);
    const left = execFileSync('du', ['-s', '-k', lab.path('disk/hub')], { encoding: 'utf8' });
    assert.ok(Number.parseInt(left, 10) < 1024, left);
    await lab.verify(lab.path('disk/hub'));
    await lab.verify(join(work, '.plait'));
    execFileSync('mount', ['-o', 'remount,size=60m', lab.path('disk')]);
    await lab.in('work', ['push']);
    assert.equal((await lab.in('work', ['remote', 'show', 'origin'])).volsets[0].branches[0].tip, second.snapshot);
    await lab.verify(lab.path('disk/hub'));
    small.fill();
    writeFileSync(join(work, 'more'), 'more');
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['push'], 15);
    small.free();
    await lab.in('work', ['push']);
    await lab.verify(lab.path('disk/hub'));
  });
});

describe('e2e: an empty directory', function () {
  this.timeout(60_000);
  it('is a snapshot as any other', async () => {
    await using lab = new Lab();
    const hub = await lab.hub();
    const work = await lab.volume('work', hub);
    const empty = await lab.in('work', ['snapshot']);
    assert.equal(empty.files, 0);
    await lab.verify(join(work, '.plait'));
    await lab.in('work', ['push']);
    await lab.run(['clone', hub.url, lab.path('copy')]);
    writeFileSync(join(work, 'a'), 'a');
    await lab.in('work', ['snapshot', '--push', 'origin']);
    await lab.in('copy', ['pull']);
    assertSame(work, lab.path('copy'));
    await lab.verify(hub.store);
  });
});

describe('e2e: a user who may not', function () {
  this.timeout(60_000);
  let lab: Lab;
  beforeEach(() => {
    assert.equal(process.getuid?.(), 0, 'this test runs as root and lets another user run plait');
    lab = new Lab();
    chmodSync(lab.dir, 0o755);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('a store of another user is refused, exit 12', async () => {
    const work = await lab.volume('work');
    chmodSync(work, 0o755);
    const end = await asNobody(['--json', '-C', work, 'status'], lab.dir);
    assertJsonFailure(end, { exit: 12, code: 'forbidden', message: /another user/, hint: /as that user/ }, 'status');
  });

  it('a folder that may not be written: exit 1 with the path, and nothing is left', async () => {
    const work = await lab.volume('work');
    writeFileSync(join(work, 'a'), 'a');
    await lab.in('work', ['snapshot']);
    mkdirSync(lab.path('closed'));
    const wanted: Failure = { exit: 1, code: 'io', message: /closed/, hint: /this user|written/ };
    const hub = await lab.hub();
    await lab.in('work', ['remote', 'add', 'origin', hub.url]);
    await lab.in('work', ['push']);
    for (const argv of [
      ['init', lab.path('closed/x')],
      ['clone', hub.url, lab.path('closed/x')],
      ['serve', lab.path('closed/x'), '--listen', '127.0.0.1:0'],
    ]) {
      assertJsonFailure(await asNobody(['--json', ...argv], lab.dir), wanted, argv.join(' '));
    }
    assert.deepEqual(readdirSync(lab.path('closed')), []);
  });

  it('a working directory that became read-only: checkout stops, and is finished later', async () => {
    const work = await lab.volume('work');
    await lab.in('work', ['snapshot']);
    mkdirSync(join(work, 'sub'));
    writeFileSync(join(work, 'sub/a'), 'a');
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['checkout', 'main~1']);
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, work]);
    chownSync(work, 0, 0);
    chmodSync(work, 0o755);
    const end = await asNobody(['--json', '-C', work, 'checkout', 'main'], lab.dir);
    assert.ok(end.exit === 1 || end.exit === 3, JSON.stringify(end));
    assert.match(end.stdout, /sub/);
    chownSync(work, NOBODY, NOBODY);
    const again = await asNobody(['--json', '-C', work, 'checkout', 'main'], lab.dir);
    assert.equal(again.exit, 0, JSON.stringify(again));
    const verified = await asNobody(['--json', '-C', work, 'verify', '--read-data'], lab.dir);
    assert.equal(verified.exit, 0, JSON.stringify(verified));
  });
});
