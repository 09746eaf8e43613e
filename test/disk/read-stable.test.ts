import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { PathKey } from '../../src/core/paths.ts';
import { Beneath } from '../../src/disk/beneath.ts';
import { fileStat } from '../../src/disk/file-stat.ts';
import { type ReadOptions, readPart, readStable, statForRead } from '../../src/disk/read-stable.ts';

const FILE = 'f' as PathKey;

describe('disk/read-stable', () => {
  let dir: string;
  let file: string;
  let beneath: Beneath;

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-read-'));
    file = path.join(dir, 'f');
    fs.writeFileSync(file, 'first content');
    beneath = new Beneath(dir);
  });
  afterEach(() => {
    beneath.close();
    fs.rmSync(dir, { recursive: true });
  });

  const stat = () => fileStat(fs.lstatSync(file, { bigint: true }));
  const allocate = (size: number): Buffer => Buffer.alloc(size);

  /** Reads as usual; before the n-th read calls `hooks[n]`. */
  function hooked(hooks: (() => void)[]): ReadOptions & { reads: () => number } {
    let reads = 0;
    const read = ((...args: Parameters<typeof fs.readSync>) => {
      hooks[reads++]?.();
      return fs.readSync(...args);
    }) as typeof fs.readSync;
    return { allocate, read, reads: () => reads };
  }

  it('answers with the bytes and the stat they belong to', () => {
    const expected = stat();
    const options = hooked([]);
    const found = readStable(beneath, FILE, expected, options);
    assert.equal(found.status, 'stored');
    assert.deepEqual(found, { status: 'stored', bytes: Buffer.from('first content'), stat: expected });
    assert.equal(options.reads(), 1);
  });

  it('reads again when the file changed under it, and answers with what it is then', () => {
    const options = hooked([() => fs.writeFileSync(file, 'other content, longer')]);
    const found = readStable(beneath, FILE, stat(), options);
    assert.equal(found.status === 'stored' && found.bytes.toString(), 'other content, longer');
    assert.equal(found.status === 'stored' && found.stat.size, 21);
    assert.equal(options.reads(), 2);
  });

  it('sees a change that keeps size and mtime', () => {
    const before = fs.statSync(file);
    const change = () => {
      fs.writeFileSync(file, 'FIRST CONTENT');
      fs.utimesSync(file, before.atime, before.mtime);
    };
    const found = readStable(beneath, FILE, stat(), hooked([change]));
    assert.equal(found.status === 'stored' && found.bytes.toString(), 'FIRST CONTENT');
  });

  it('gives up on a file that changes on each of three tries', () => {
    const append = () => fs.appendFileSync(file, 'x');
    const options = hooked([append, append, append]);
    assert.deepEqual(readStable(beneath, FILE, stat(), options), { status: 'changed' });
    assert.equal(options.reads(), 3);
  });

  it('notices a file that was cut short while it was read', () => {
    const cut = () => fs.truncateSync(file, 3);
    const found = readStable(beneath, FILE, stat(), hooked([cut]));
    assert.equal(found.status === 'stored' && found.bytes.toString(), 'fir');
  });

  it('says vanished, changed or grown where there is no such file to read', () => {
    const expected = stat();
    const read = () => readStable(beneath, FILE, expected, { allocate });
    fs.writeFileSync(file, 'a larger content than before');
    const small = (size: number) => (size > 20 ? undefined : Buffer.alloc(size));
    assert.equal(readStable(beneath, FILE, expected, { allocate: small }).status, 'grown');
    fs.rmSync(file);
    assert.deepEqual(read(), { status: 'vanished' });
    fs.symlinkSync('elsewhere', file);
    assert.deepEqual(read(), { status: 'changed' });
    fs.rmSync(file);
    fs.mkdirSync(file);
    assert.deepEqual(read(), { status: 'changed' });
    assert.deepEqual(statForRead(beneath, FILE), { status: 'changed' });
    assert.deepEqual(readStable(beneath, 'f\0g' as PathKey, expected, { allocate }), { status: 'vanished' });
  });

  it('names the errno of a read that fails', () => {
    const fail = () => {
      throw Object.assign(new Error('read failed'), { code: 'EIO' });
    };
    assert.deepEqual(readStable(beneath, FILE, stat(), hooked([fail])), { status: 'unreadable', errno: 'EIO' });
  });

  it('reads parts that all belong to the file as it was', () => {
    const expected = stat();
    const part = Buffer.alloc(7);
    assert.deepEqual(readPart(beneath, FILE, expected, part, 6), { status: 'stored' });
    assert.equal(part.toString(), 'content');
    assert.deepEqual(readPart(beneath, FILE, expected, part, 7), { status: 'changed' }, 'past the end');
    fs.appendFileSync(file, '!');
    assert.deepEqual(readPart(beneath, FILE, expected, part, 6), { status: 'changed' });
  });
});
