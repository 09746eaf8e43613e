import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FileTarget } from '../../src/core/files.ts';
import { keyOfBytes, keyOfText, type PathKey, ROOT } from '../../src/core/paths.ts';
import { Beneath } from '../../src/disk/beneath.ts';
import { isUnfinished, Placer } from '../../src/disk/place.ts';
import { closeTimes, utimeOf } from '../../src/disk/times.ts';

const k = keyOfText;
const target = (path: PathKey, size: number, more: Partial<FileTarget> = {}): FileTarget => ({
  path,
  size,
  content: { extents: new Uint8Array(0) },
  mode: 0o640,
  mtime: 1_700_000_000_999_999_999n,
  ...more,
});

let top: string;
let root: string;
let temp: string;
beforeEach(() => {
  top = fs.mkdtempSync(join(tmpdir(), 'plait-disk-'));
  root = join(top, 'root');
  temp = join(top, 'temp');
  fs.mkdirSync(root);
  fs.mkdirSync(temp);
});
afterEach(() => fs.rmSync(top, { recursive: true, force: true }));

for (const proc of [true, false]) {
  describe(`reaching below a root ${proc ? 'through /proc' : 'without /proc'}`, () => {
    it('follows no link on the way, but one at the root itself', () => {
      fs.mkdirSync(join(top, 'outside'));
      fs.symlinkSync(join(top, 'outside'), join(root, 'link'));
      fs.mkdirSync(join(root, 'dir'));
      fs.writeFileSync(join(root, 'file'), '');
      fs.symlinkSync(root, join(top, 'alias'));
      using beneath = new Beneath(join(top, 'alias'), { proc });
      fs.writeFileSync(beneath.path(k('dir/x')), 'x');
      assert.equal(fs.readFileSync(join(root, 'dir/x'), 'utf8'), 'x');
      const code = (path: string) => (error: NodeJS.ErrnoException) =>
        ['ELOOP', 'ENOTDIR', 'ENOENT'].includes(error.code!) && path !== '';
      for (const path of ['link/x', 'file/x', 'none/x', 'dir/none/x'])
        assert.throws(() => beneath.path(k(path)), code(path));
      assert.throws(() => beneath.dirPath(k('link')), code('link'));
      assert.deepEqual(fs.readdirSync(join(top, 'outside')), []);
    });

    it('reaches names that are not UTF-8, any depth, and more folders than it keeps open', () => {
      using beneath = new Beneath(root, { proc });
      const odd = keyOfBytes(Buffer.from([0xff, 0x2f, 0xc3]));
      fs.mkdirSync(beneath.path(odd.slice(0, 1) as PathKey));
      fs.writeFileSync(beneath.path(odd), 'odd');
      assert.deepEqual(fs.readdirSync(beneath.dirPath(odd.slice(0, 1) as PathKey), { encoding: 'buffer' }), [
        Buffer.from([0xc3]),
      ]);
      let path = '';
      for (let i = 0; i < 100; i++) {
        path += path === '' ? 'd' : '/d';
        fs.mkdirSync(beneath.path(k(path)));
      }
      for (let i = 0; i < 100; i++) fs.writeFileSync(beneath.path(k(`${'d/'.repeat(i)}f`)), 'f');
      assert.equal(fs.readFileSync(join(root, `${'d/'.repeat(99)}f`), 'utf8'), 'f');
    });

    it('finds a replaced folder after it was told', () => {
      using beneath = new Beneath(root, { proc });
      fs.mkdirSync(join(root, 'd'));
      fs.writeFileSync(beneath.path(k('d/one')), '');
      fs.renameSync(join(root, 'd'), join(top, 'away'));
      fs.mkdirSync(join(root, 'd'));
      beneath.drop(k('d'));
      fs.writeFileSync(beneath.path(k('d/two')), '');
      assert.deepEqual(fs.readdirSync(join(root, 'd')), ['two']);
      assert.ok(beneath.dirPath(ROOT));
    });
  });
}

describe('placing', () => {
  it('writes pieces and holes, exact length, mode and time, whatever the umask', () => {
    using placer = new Placer(root, temp);
    const old = process.umask(0o077);
    try {
      const hole = 1 << 20;
      const stat = placer.writeFile(target(k('f'), 3 + hole + 2 + hole), [
        Buffer.from('abc'),
        hole,
        Buffer.from('de'),
        hole,
      ]);
      const found = fs.statSync(join(root, 'f'), { bigint: true });
      const bytes = fs.readFileSync(join(root, 'f'));
      assert.equal(bytes.length, 5 + 2 * hole);
      assert.equal(bytes.subarray(0, 3).toString() + bytes.subarray(3 + hole, 5 + hole).toString(), 'abcde');
      assert.ok(found.blocks * 512n < 64n * 1024n, 'sparse');
      assert.equal(Number(found.mode) & 0o7777, 0o640);
      assert.equal(found.mtimeNs / 1_000_000_000n, 1_700_000_000n);
      assert.deepEqual([stat.ctimeNs, stat.mtimeNs, stat.ino], [found.ctimeNs, found.mtimeNs, found.ino]);
      assert.deepEqual(fs.readdirSync(temp), []);
    } finally {
      process.umask(old);
    }
  });

  it('replaces a file or link whole, and never what a link points to', () => {
    using placer = new Placer(root, temp);
    fs.writeFileSync(join(top, 'outside'), 'outside');
    fs.symlinkSync(join(top, 'outside'), join(root, 'f'));
    const file = placer.open(target(k('f'), 3));
    file.append(Buffer.from('new'));
    assert.ok(fs.lstatSync(join(root, 'f')).isSymbolicLink(), 'not before it is complete');
    file.finish();
    assert.equal(fs.readFileSync(join(root, 'f'), 'utf8'), 'new');
    assert.equal(fs.readFileSync(join(top, 'outside'), 'utf8'), 'outside');
    placer.symlink(k('f'), Buffer.from([0xff, 0x61]));
    assert.deepEqual(placer.readlink(k('f')), Buffer.from([0xff, 0x61]));
  });

  it('leaves nothing when it is abandoned, and marks a fresh file until it is complete', () => {
    using placer = new Placer(root, temp);
    assert.throws(() => placer.writeFile(target(k('a'), 1), failing()), { message: 'torn' });
    assert.throws(() => placer.writeFile(target(k('b'), 1, { fresh: true }), failing()), { message: 'torn' });
    assert.deepEqual([fs.readdirSync(root), fs.readdirSync(temp)], [[], []]);
    const file = placer.open(target(k('c'), 1, { fresh: true }));
    assert.ok(isUnfinished(fs.statSync(join(root, 'c')).mode));
    file.append(Buffer.from('c'));
    file.finish();
    assert.ok(!isUnfinished(fs.statSync(join(root, 'c')).mode));
    assert.throws(() => placer.open(target(k('c'), 1, { fresh: true })), { code: 'EEXIST' });
  });

  it('copies across to another file system', () => {
    const other = '/dev/shm';
    assert.notEqual(fs.statSync(other).dev, fs.statSync(root).dev, 'this test needs a second file system');
    const away = fs.mkdtempSync(join(other, 'plait-disk-'));
    try {
      using placer = new Placer(root, away);
      const hole = 1 << 19;
      placer.writeFile(target(k('f'), 3 + hole), [Buffer.from('abc'), hole]);
      assert.equal(fs.statSync(join(root, 'f')).size, 3 + hole);
      assert.deepEqual([fs.readdirSync(away), fs.readdirSync(root)], [[], ['f']]);
    } finally {
      fs.rmSync(away, { recursive: true });
    }
  });

  it('links a second name over whatever was there', () => {
    using placer = new Placer(root, temp);
    placer.mkdir(k('d'));
    placer.writeFile(target(k('d/one'), 1), [Buffer.from('1')]);
    placer.writeFile(target(k('two'), 1), [Buffer.from('2')]);
    placer.hardLink(k('d/one'), k('two'));
    placer.hardLink(k('d/one'), k('two'));
    assert.equal(fs.statSync(join(root, 'two')).ino, fs.statSync(join(root, 'd/one')).ino);
    assert.deepEqual(fs.readdirSync(root).sort(), ['d', 'two']);
  });
});

describe('times', () => {
  it('since 1970 never round up into the next second, and all stay within a microsecond', () => {
    const path = join(root, 't');
    fs.writeFileSync(path, '');
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 4n * 10n ** 18n }), (ns) => {
        fs.utimesSync(path, utimeOf(ns), utimeOf(ns));
        const found = fs.statSync(path, { bigint: true }).mtimeNs;
        assert.ok(closeTimes(ns, found), `${ns} ${found}`);
        const second = (t: bigint): bigint => (t - (((t % 10n ** 9n) + 10n ** 9n) % 10n ** 9n)) / 10n ** 9n;
        if (ns >= 0n) assert.equal(second(found), second(ns));
      }),
      { examples: [[1_700_000_000_999_999_999n], [-1n], [0n], [-1_500_000_000n]] },
    );
  });
});

function* failing(): Generator<Uint8Array> {
  yield Buffer.from('x');
  throw new Error('torn');
}
