/**
 * Who may do what to files. As root (the container of `.ci/run`) the commands run as another user; else as who runs the
 * tests, who is no root, and another one's store is shown by the id that is asked for.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMeta, type StoreOptions } from '../../src/sync/store.ts';
import { BIN, cleanEnv, type Ended, follow, LIMIT } from '../e2e/helpers/plait.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

describe('crash: permissions', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-rights-'));
    if (isRoot) chownSync(dir, NOBODY, NOBODY);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** As a user who is not root. */
  function run(argv: string[], { umask = '022', asRoot = false } = {}): Promise<Ended> {
    const user = isRoot && !asRoot ? { uid: NOBODY, gid: NOBODY } : {};
    const env = cleanEnv({ HOME: join(dir, 'home'), XDG_STATE_HOME: join(dir, 'home', 'state') });
    const child = spawn('/bin/sh', ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, BIN, '--json', ...argv], {
      cwd: dir,
      env,
      ...user,
      ...LIMIT,
    });
    return follow(child, '').ended;
  }

  async function ok(argv: string[], options = {}): Promise<void> {
    const end = await run(argv, options);
    assert.equal(end.exit, 0, `${argv.join(' ')}: ${JSON.stringify(end)}`);
  }

  async function volume(options = {}): Promise<string> {
    await ok(['init', 'work', '--volset', 'data'], options);
    const work = join(dir, 'work');
    writeFileSync(join(work, 'file'), 'content');
    return work;
  }

  it('the store of another user is refused', async () => {
    if (!isRoot) {
      await volume();
      const world = { now: Date.now, random: (n: number) => new Uint8Array(n), creator: 'test' };
      const settings = { world, label: 'test', lockWaitMs: 0, uid: (process.getuid?.() ?? 0) + 1 } as unknown;
      assert.throws(() => openMeta(join(dir, 'work', '.plait'), settings as StoreOptions), { code: 'forbidden' });
      return;
    }
    await ok(['init', '--bare', 'store'], { asRoot: true });
    chmodSync(join(dir, 'store'), 0o755);
    const end = await run(['--store', 'store', 'volset', 'list']);
    assert.deepEqual([end.exit, JSON.parse(end.stdout).error.code], [12, 'forbidden'], JSON.stringify(end));
  });

  it('a file that cannot be read is a problem, and everything else is in the snapshot', async () => {
    const work = await volume();
    writeFileSync(join(work, 'secret'), 'x');
    if (isRoot) chownSync(join(work, 'secret'), NOBODY, NOBODY);
    chmodSync(join(work, 'secret'), 0);
    const end = await run(['-C', work, 'snapshot']);
    assert.equal(end.exit, 3, JSON.stringify(end));
    assert.deepEqual(
      JSON.parse(end.stdout).problems.map(({ path }: { path: string }) => path),
      ['secret'],
    );
    chmodSync(join(work, 'secret'), 0o600);
    await ok(['-C', work, 'snapshot']);
  });

  it('a store that cannot be written to: a clear failure, nothing half-written', async () => {
    const work = await volume();
    const store = join(work, '.plait');
    const modes = below(store).map((path) => [path, lstatSync(path).mode & 0o777] as const);
    for (const [path, mode] of modes) chmodSync(path, mode & 0o555);
    const end = await run(['-C', work, 'snapshot']);
    assert.deepEqual([end.exit, JSON.parse(end.stdout).error.code], [1, 'io'], JSON.stringify(end));
    for (const [path, mode] of modes) chmodSync(path, mode);
    await ok(['-C', work, 'snapshot']);
    await ok(['-C', work, 'verify', '--read-data']);
  });

  for (const umask of ['000', '077']) {
    it(`under umask ${umask} a store is its owner’s alone, and usable`, async () => {
      const work = await volume({ umask });
      await ok(['init', '--bare', 'hub'], { umask });
      await ok(['-C', work, 'remote', 'add', 'origin', join(dir, 'hub', 'data')], { umask });
      await ok(['-C', work, 'snapshot', '--push', 'origin'], { umask });
      await ok(['clone', join(dir, 'hub', 'data'), 'copy'], { umask });
      for (const store of [join(work, '.plait'), join(dir, 'hub'), join(dir, 'copy', '.plait')]) {
        for (const path of below(store)) {
          const stat = lstatSync(path);
          const wanted = stat.isDirectory() ? 0o700 : 0o600;
          assert.equal((stat.mode & 0o777).toString(8), wanted.toString(8), path);
        }
      }
    });
  }
});

function below(path: string): string[] {
  if (!lstatSync(path).isDirectory()) return [path];
  return [...readdirSync(path).flatMap((name) => below(join(path, name))), path];
}
