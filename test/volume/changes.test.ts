import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { keyOfBytes, keyOfText } from '../../src/core/paths.ts';
import { Lab } from './harness.ts';

describe('comparing a working directory with its base', () => {
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.dispose]());

  it('finds everything once, then nothing, and reads nothing again', async () => {
    lab.write('a.txt', 'one');
    lab.write('dir/b', 'two');
    fs.mkdirSync(lab.at('empty'));
    fs.symlinkSync('nowhere', lab.at('link'));
    const root = await lab.snapshot();
    assert.deepEqual(lab.paths(root), ['a.txt', 'dir', 'dir/b', 'empty', 'link']);
    const again = lab.changes();
    assert.deepEqual(await lab.list(again), []);
    assert.deepEqual(lab.read, []);
    assert.equal(again.cacheMoved, false);
    assert.equal(again.outcome.unchanged, 3);
    assert.equal(again.outcome.files, 2);
    assert.equal(again.outcome.bytes, 6);
    assert.equal(again.outcome.baseFiles, 3);
  });

  it('names additions, modifications, deletions and changes of type', async () => {
    for (const name of ['keep', 'edit', 'gone', 'type', 'old/x']) lab.write(name, name);
    await lab.snapshot();
    lab.write('edit', 'edited');
    fs.rmSync(lab.at('gone'));
    fs.rmSync(lab.at('type'));
    lab.write('type/inside', 'now a folder');
    fs.rmSync(lab.at('old'), { recursive: true });
    fs.symlinkSync('keep', lab.at('old'));
    lab.write('new', 'new');
    assert.deepEqual(await lab.status(), ['M edit', 'D gone', 'A new', 'T old', 'D old/x', 'T type', 'A type/inside']);
  });

  it('keeps the order of changes when files are read late', async () => {
    for (let i = 0; i < 300; i++) lab.write(`d${i % 7}/f${i}`, String(i));
    const seen = (await lab.list(lab.changes())).map(({ path }) => path);
    assert.deepEqual(seen, [...seen].sort());
    assert.equal(seen.length, 307);
  });

  it('knows what a file was before, however many sections of the cache lie between', async () => {
    const names = Array.from({ length: 4000 }, (_, i) => `${'long name '.repeat(12)}${String(i).padStart(4, '0')}`);
    for (const name of names) lab.write(name, name);
    await lab.snapshot();
    assert.ok(fs.statSync(join(lab.volume.stateDir, 'stat.cache')).size > 2 * (1 << 18));
    for (const name of names) lab.write(name, `${name} edited`);
    lab.readAhead = true;
    const changes = await lab.list(lab.changes());
    assert.deepEqual(
      changes.map(({ path, before }) => [path, before?.path, before?.size]),
      names.map((name) => [keyOfText(name), keyOfText(name), name.length]),
    );
    for (const { before } of changes) assert.notEqual(before?.mtime, 0n);
  });

  it('finds an edit of the same size within one tick of the clock', async () => {
    lab.later = false;
    lab.write('f', 'aaaa', Date.now() / 1000);
    await lab.snapshot();
    const { mtime } = fs.statSync(lab.at('f'));
    fs.writeFileSync(lab.at('f'), 'bbbb');
    fs.utimesSync(lab.at('f'), mtime, mtime);
    assert.deepEqual(await lab.status(), ['M f']);
  });

  it('reads a file again whose mtime lies in the future', async () => {
    lab.write('f', 'aaaa', Date.now() / 1000 + 1_000_000);
    await lab.snapshot();
    assert.deepEqual(await lab.status(), []);
    assert.deepEqual(lab.read, [keyOfText('f')]);
  });

  it('takes a touched file for modified, and a re-read one of the same time for the same', async () => {
    lab.write('f', 'text');
    await lab.snapshot();
    fs.rmSync(join(lab.volume.stateDir, 'stat.cache'));
    assert.deepEqual(await lab.status(), []);
    assert.deepEqual(lab.read, [keyOfText('f')]);
    fs.utimesSync(lab.at('f'), 1_600_000_001, 1_600_000_001);
    assert.deepEqual(await lab.status(), ['M f']);
  });

  for (const [what, damage] of [
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5)],
    [
      'with a flipped bit',
      (bytes: Buffer) => {
        bytes[bytes.length - 40] ^= 1;
        return bytes;
      },
    ],
    [
      'with a flipped header',
      (bytes: Buffer) => {
        bytes[30] ^= 1;
        return bytes;
      },
    ],
    ['with something behind its end', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
    ['empty', () => Buffer.alloc(0)],
  ] as const) {
    it(`throws a stat cache away that is ${what}`, async () => {
      lab.write('a', 'a');
      lab.write('b/c', 'c');
      await lab.snapshot();
      const path = join(lab.volume.stateDir, 'stat.cache');
      fs.writeFileSync(path, damage(fs.readFileSync(path)));
      const changes = lab.changes();
      assert.deepEqual(await lab.list(changes), []);
      assert.deepEqual(lab.read, [keyOfText('a'), keyOfText('b/c')]);
      changes.keepCache(lab.volume.state.baseRoot!);
      assert.deepEqual(await lab.status(), []);
      assert.deepEqual(lab.read, []);
    });
  }

  it('does not trust the cache of another base', async () => {
    lab.write('a', 'a');
    const first = await lab.snapshot();
    lab.write('a', 'b');
    await lab.snapshot();
    lab.volume.update({ baseRoot: first });
    assert.deepEqual(await lab.status(), ['M a']);
  });

  it('keeps the base of what cannot be read, changed while read, and deletes what vanished', async () => {
    for (const name of ['changing', 'secret', 'vanishing', 'well']) lab.write(name, name);
    const root = await lab.snapshot();
    for (const name of ['changing', 'secret', 'vanishing', 'well']) lab.write(name, `${name} edited`);
    const real = lab.ingest.bind(lab);
    lab.ingest = async function* (dir, files) {
      for await (const result of real(dir, files)) {
        const status = { changing: 'changed', secret: 'unreadable', vanishing: 'vanished' }[result.path as string];
        yield status ? { path: result.path, status: status as 'changed', errno: 'EACCES' } : result;
      }
    };
    const changes = lab.changes();
    const found = await lab.list(changes);
    assert.deepEqual(
      found.map(({ path, after }) => [path, after === undefined]),
      [
        ['vanishing', true],
        ['well', false],
      ],
    );
    assert.deepEqual(
      changes.outcome.problems.map(({ path, what }) => [path, what]),
      [
        ['changing', 'changed-while-read'],
        ['secret', 'unreadable'],
      ],
    );
    changes.keepCache(root);
    lab.ingest = real;
    lab.volume.update({ baseRoot: root });
    assert.deepEqual((await lab.status()).slice(0, 2), ['M changing', 'M secret']);
  });

  it('skips special files, nested stores, reserved names and temporary names, and says so', async () => {
    execFileSync('mkfifo', [lab.at('pipe')]);
    lab.write('sub/.plait/format', 'x');
    lab.write('sub/kept', 'x');
    lab.write('.PLAIT/x', 'x');
    lab.write('.plait-tmp.0123456789abcdef', 'left over');
    const changes = lab.changes();
    assert.deepEqual(
      (await lab.list(changes)).map(({ path }) => path),
      ['sub', 'sub\0kept'],
    );
    assert.deepEqual(
      changes.outcome.problems.map(({ path, what }) => [path, what]),
      [
        ['.PLAIT', 'reserved-name'],
        ['pipe', 'special-file'],
        ['sub\0.plait', 'nested-store'],
      ],
    );
  });

  it('holds names that are not UTF-8, long ones and deep ones', async () => {
    const raw = Buffer.from([0x66, 0xff, 0x0a, 0xfe]);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${lab.dir}/`), raw]), 'raw');
    lab.write('n'.repeat(255), 'long');
    lab.write(`${'d/'.repeat(200)}deep`, 'deep');
    fs.writeFileSync(lab.at('Grüße\n'), '');
    const root = await lab.snapshot();
    const paths = lab.paths(root);
    assert.ok(paths.includes(keyOfBytes(raw)));
    assert.ok(paths.includes('n'.repeat(255)));
    assert.ok(paths.includes(`${'d/'.repeat(200)}deep`));
    assert.deepEqual(await lab.status(), []);
  });

  it('groups hard links by their first member, and only where two are in the tree', async () => {
    lab.write('z/one', 'same');
    fs.mkdirSync(lab.at('a'));
    fs.linkSync(lab.at('z/one'), lab.at('a/two'));
    lab.write('alone', 'x');
    fs.linkSync(lab.at('alone'), join(lab.top, 'outside'));
    const root = await lab.snapshot();
    assert.equal(lab.entry(root, 'a/two')?.linkGroup, keyOfText('a/two'));
    assert.equal(lab.entry(root, 'z/one')?.linkGroup, keyOfText('a/two'));
    assert.equal(lab.entry(root, 'alone')?.linkGroup, undefined);
    assert.deepEqual(await lab.status(), []);
    fs.rmSync(lab.at('a/two'));
    assert.deepEqual(await lab.status(), ['D a/two', 'M z/one']);
  });

  it('copies what the preserve set leaves out from the base', async () => {
    lab.write('f', 'x');
    fs.chmodSync(lab.at('f'), 0o6755);
    const root = await lab.snapshot();
    const entry = lab.entry(root, 'f')!;
    assert.equal(entry.mode, 0o755);
    assert.equal(entry.uid, undefined);
    const strange = lab.tree([{ ...entry, mode: 0o4755, uid: 12, gid: 34 }]);
    lab.volume.update({ baseRoot: strange });
    assert.deepEqual(await lab.status(), []);
  });

  it('takes owner and special bits where they are preserved', async () => {
    using other = new Lab(['owner', 'suid']);
    other.write('f', 'x');
    fs.chmodSync(other.at('f'), 0o4755);
    fs.mkdirSync(other.at('d'), { mode: 0o2775 });
    fs.chmodSync(other.at('d'), 0o2775);
    const root = await other.snapshot();
    const { uid, gid } = fs.statSync(other.at('f'));
    assert.deepEqual(
      [
        other.entry(root, 'f')!.mode,
        other.entry(root, 'f')!.uid,
        other.entry(root, 'f')!.gid,
        other.entry(root, 'd')!.mode,
      ],
      [0o4755, uid, gid, 0o2775],
    );
  });

  it('sees a changed mode of a file and of a directory', async () => {
    lab.write('d/f', 'x');
    await lab.snapshot();
    fs.chmodSync(lab.at('d/f'), 0o600);
    fs.chmodSync(lab.at('d'), 0o700);
    assert.deepEqual(await lab.status(), ['M d', 'M d/f']);
  });

  it('stops at an abort and can be started again', async () => {
    for (let i = 0; i < 10; i++) lab.write(`f${i}`, 'x');
    const abort = new AbortController();
    lab.onRead = () => abort.abort();
    await assert.rejects(lab.list(lab.changes(abort.signal)), { name: 'AbortError' });
    lab.onRead = () => {};
    assert.equal((await lab.status()).length, 10);
    assert.ok(!fs.existsSync(join(lab.volume.stateDir, 'stat.cache')));
  });
});
