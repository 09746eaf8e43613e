import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { PARALLEL_FILE } from '../../../src/blob/work/limits.ts';
import type { FileResult, StoredFile } from '../../../src/core/files.ts';
import { hex } from '../../../src/core/hash.ts';
import { keyOfText } from '../../../src/core/paths.ts';
import { noise } from '../noise.ts';
import { Rig } from './rig.ts';

const sizeOf = (n: number): number => (n * 7919) % 200_000;

async function stored(rig: Rig, count: number): Promise<StoredFile[]> {
  const names = Array.from({ length: count }, (_, n) => `f${n}`);
  names.forEach((name, n) => {
    rig.write(name, noise(n, sizeOf(n)));
    fs.chmodSync(path.join(rig.from, name), n % 2 ? 0o600 : 0o755);
  });
  return rig.ingestAll(names);
}

const failures = (results: FileResult[]): Record<string, string> =>
  Object.fromEntries(results.flatMap((r) => (r.status === 'failed' ? [[r.path, r.message]] : [])));

describe('blob/work extract', () => {
  it('writes content, mode and mtime of every file, over what is there or fresh', async () => {
    await using rig = new Rig();
    const files = await stored(rig, 200);
    fs.writeFileSync(path.join(rig.to, 'f1'), 'an older version');
    const targets = files.map((file, n) => rig.target(file, { fresh: n % 3 === 0, mtime: 1_700_000_000_999_999_999n }));
    const results = await Array.fromAsync(rig.extract(targets));
    assert.deepEqual(failures(results), {});
    assert.equal(new Set(results.map((result) => result.path)).size, 200);
    for (let n = 0; n < files.length; n++) {
      assert.ok(rig.read(`f${n}`).equals(noise(n, sizeOf(n))), `f${n}`);
      const stat = fs.statSync(path.join(rig.to, `f${n}`), { bigint: true });
      assert.equal(Number(stat.mode) & 0o777, n % 2 ? 0o600 : 0o755);
      assert.equal(stat.mtimeNs / 1_000_000_000n, 1_700_000_000n, 'never the next second');
      const result = results.find((r) => r.path === `f${n}`) as Extract<FileResult, { status: 'written' }>;
      assert.equal(result.stat.ctimeNs, stat.ctimeNs, 'the stat is that of the finished file');
    }
    assert.deepEqual(fs.readdirSync(rig.temp), []);
  });

  it('writes a file of many ranges on all workers', async () => {
    await using rig = new Rig();
    const bytes = Buffer.concat([noise(1, PARALLEL_FILE - 12_345), Buffer.alloc(5 << 20), noise(2, 9 << 20)]);
    rig.write('big', bytes);
    const files = await rig.ingestAll(['big']);
    const results = await Array.fromAsync(rig.extract([rig.target(files[0])]));
    assert.deepEqual(failures(results), {});
    assert.ok(rig.read('big').equals(bytes));
    assert.deepEqual(fs.readdirSync(rig.temp), []);
  });

  it('fails only the files whose objects are damaged or absent, and names them', async () => {
    await using rig = new Rig();
    const files = await stored(rig, 80);
    rig.write('x', noise(1000, 5000));
    rig.write('y', noise(1001, 5000));
    const [x, y] = await rig.ingestAll(['x', 'y']);
    const idOf = (file: StoredFile): string => {
      const [{ id }] = rig.extents(rig.target(file).content);
      return hex(id as Uint8Array);
    };
    rig.places.delete(idOf(x));
    // y's index entry points at bytes of another chunk: what is read there has another hash.
    rig.places.set(idOf(y), rig.places.get(idOf(files[1])) as never);
    const results = await Array.fromAsync(rig.extract([...files, x, y].map((file) => rig.target(file))));
    const failed = failures(results);
    assert.deepEqual(Object.keys(failed).sort(), ['x', 'y']);
    assert.match(failed.x, new RegExp(idOf(x)));
    assert.match(failed.y, new RegExp(idOf(y)));
    assert.equal(fs.existsSync(path.join(rig.to, 'y')), false, 'not one unverified byte is in place');
    assert.deepEqual(fs.readdirSync(rig.temp), []);
  });

  it('names object and pack, and no errno, when a pack is missing', async () => {
    await using rig = new Rig();
    const [, file] = await stored(rig, 2);
    fs.rmSync(rig.packPath);
    const [result] = await Array.fromAsync(rig.extract([rig.target(file)]));
    assert.deepEqual([result.status, (result as { errno?: string }).errno], ['failed', undefined]);
    assert.match((result as { message: string }).message, /^Object [0-9a-f]{64} cannot be read from .*pack/);
  });

  it('fails a big file with a damaged block whole', async () => {
    await using rig = new Rig();
    rig.write('big', noise(1, PARALLEL_FILE + 100));
    const [file] = await rig.ingestAll(['big']);
    const fd = fs.openSync(rig.packPath, 'r+');
    fs.writeSync(fd, Buffer.from('damage'), 0, 6, 20 << 20);
    fs.closeSync(fd);
    const [result] = await Array.fromAsync(rig.extract([rig.target(file)]));
    assert.equal(result.status, 'failed');
    assert.match((result as { message: string }).message, /^Object [0-9a-f]{64} .*damaged/);
    assert.deepEqual([fs.readdirSync(rig.temp), fs.readdirSync(rig.to)], [[], []]);
  });

  it('fails files that cannot be placed with the errno; the others are written', async () => {
    await using rig = new Rig();
    const files = await stored(rig, 4);
    fs.writeFileSync(path.join(rig.to, 'f1'), 'mine');
    fs.mkdirSync(path.join(rig.dir, 'outside'));
    fs.symlinkSync('../outside', path.join(rig.to, 'link'));
    const results = await Array.fromAsync(
      rig.extract([
        rig.target(files[0]),
        rig.target(files[1], { fresh: true }),
        rig.target(files[2], { path: keyOfText('no/such/dir') }),
        rig.target(files[3], { path: keyOfText('link/f') }),
      ]),
    );
    const errnos = new Map(results.map((r) => [r.path as string, r.status === 'failed' ? r.errno : 'written']));
    assert.equal(errnos.size, 4);
    assert.equal(errnos.get('f0'), 'written');
    assert.equal(errnos.get('f1'), 'EEXIST');
    assert.equal(errnos.get('no\0such\0dir'), 'ENOENT');
    assert.match(errnos.get('link\0f') ?? '', /^(ELOOP|ENOTDIR)$/);
    assert.equal(fs.readFileSync(path.join(rig.to, 'f1'), 'utf8'), 'mine');
    assert.deepEqual(fs.readdirSync(path.join(rig.dir, 'outside')), []);
  });

  it('refuses a content of another size than its entry', async () => {
    await using rig = new Rig();
    const [, file] = await stored(rig, 2);
    const [result] = await Array.fromAsync(rig.extract([rig.target(file, { size: sizeOf(1) + 1 })]));
    assert.equal(result.status, 'failed');
  });

  it('leaves no temporary file when it is stopped half-way', async () => {
    await using rig = new Rig();
    const files = await stored(rig, 300);
    rig.write('big', noise(1, PARALLEL_FILE + 100));
    const [big] = await rig.ingestAll(['big']);
    const controller = new AbortController();
    const targets = [big, ...files].map((file) => rig.target(file));
    await assert.rejects(
      async () => {
        for await (const _ of rig.extract(targets, controller.signal)) controller.abort();
      },
      { code: 'interrupted' },
    );
    assert.deepEqual(fs.readdirSync(rig.temp), []);
    assert.ok(fs.readdirSync(rig.to).length < targets.length);
    for (const name of fs.readdirSync(rig.to)) {
      assert.ok(rig.read(name).equals(fs.readFileSync(path.join(rig.from, name))), `${name} is whole`);
    }
  });
});
