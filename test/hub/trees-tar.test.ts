/** Folders of snapshots as tar: what the system's tar makes of them is what was in the snapshot. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { TAR_END, type TarItem, tarHeader } from '../../src/hub/trees/tar-header.ts';
import { noise } from '../blob/noise.ts';
import { RealHub } from './real-hub.ts';
import { ask, at, keyOf, makeSnapshot, makeVolset, type Shape } from './trees-support.ts';

/** What a path on the disk is, by its name (one character a byte). */
type Found = Record<string, { kind: string; mode?: number; mtime?: bigint; text?: string; inode?: bigint }>;

function found(dir: Buffer, below = ''): Found {
  const all: Found = {};
  for (const name of readdirSync(dir, { encoding: 'buffer' })) {
    const path = Buffer.concat([dir, Buffer.from('/'), name]);
    const { mode, mtimeNs, ino, ...stat } = lstatSync(path, { bigint: true });
    const shown = `${below}${name.toString('latin1')}`;
    const common = { mode: Number(mode & 0o7777n), mtime: mtimeNs };
    if ((Number(mode) & 0o170000) === 0o040000) {
      all[shown] = { kind: 'dir', ...common };
      Object.assign(all, found(path, `${shown}/`));
    } else if ((Number(mode) & 0o170000) === 0o120000) {
      all[shown] = { kind: 'symlink', text: readlinkSync(path, { encoding: 'buffer' }).toString('latin1') };
    } else {
      const text = readFileSync(path).toString('latin1');
      all[shown] = { kind: 'file', ...common, text, ...(stat.nlink > 1n && { inode: ino }) };
    }
  }
  return all;
}

function extracted(tar: Uint8Array): Found {
  const dir = mkdtempSync(join(tmpdir(), 'plait-tar-'));
  try {
    execFileSync('tar', ['-xp', '--no-same-owner', '-C', dir], { input: tar, stdio: ['pipe', 'pipe', 'pipe'] });
    return found(Buffer.from(dir));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const SECOND = 1_000_000_000n;
const LONG = 'x'.repeat(255);
const EVIL = [
  '-rf',
  '--checkpoint-action=exec=sh',
  'new\nline',
  'tab\tand\rreturn\x1b[2J',
  utf8('\u202egnp.exe'),
  '\xff\xfe\x80',
  'back\\slash',
  'C:',
  ' ',
  '"quotes\'',
  '*',
  '...',
  '\x01',
  LONG,
  `${LONG.slice(1)}\xff`,
  utf8('\u00fc'.repeat(60)),
  'y'.repeat(99),
  'y'.repeat(100),
  'y'.repeat(101),
];

describe('hub: a folder as tar', () => {
  let real: RealHub;
  let volset: VolsetId;
  before(async () => {
    real = await RealHub.start();
    volset = await makeVolset(real);
  });
  after(() => real[Symbol.asyncDispose]());

  const make = (shape: Shape): Promise<SnapshotId> => makeSnapshot(real, volset, shape);
  async function tar(snapshot: string, path?: string): Promise<Uint8Array> {
    const query = path === undefined ? {} : { path: at(path) };
    const answer = await ask(real, `/v1/volsets/${volset}/snapshots/${snapshot}/tar`, query);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/x-tar');
    return answer.bytes();
  }
  const of = (all: Found, what: 'text' | 'mode' | 'mtime' | 'kind'): Record<string, unknown> =>
    Object.fromEntries(Object.entries(all).map(([name, entry]) => [name, entry[what]]));

  it('has every name as its bytes are', async () => {
    const shape: Shape = Object.fromEntries(EVIL.map((name, n) => [`top/${name}`, `content ${n}`]));
    for (const [n, name] of EVIL.entries()) shape[`top/deep/${name}/${EVIL[EVIL.length - 1 - n]}`] = `below ${n}`;
    shape[`top/${Array.from({ length: 12 }, () => 'd'.repeat(255)).join('/')}/end`] = 'far down';
    const all = extracted(await tar(await make(shape), 'top'));
    const files = Object.entries(all).filter(([, { kind }]) => kind === 'file');
    assert.deepEqual(files.map(([name, { text }]) => [name, text]).sort(), Object.entries(shape).sort());
  });

  it('has all of the snapshot below a name of its own', async () => {
    const id = await make({ a: 'x', '-b/c': 'y', e: { kind: 'dir', mode: 0o700, mtime: 5n * SECOND } });
    const top = `snapshot-${id.slice(0, 12)}`;
    const wanted = { [top]: 'dir', [`${top}/a`]: 'file', [`${top}/-b`]: 'dir', [`${top}/-b/c`]: 'file' };
    assert.deepEqual(of(extracted(await tar(id)), 'kind'), { ...wanted, [`${top}/e`]: 'dir' });
    const empty = await make({});
    assert.deepEqual(Object.keys(extracted(await tar(empty))), [`snapshot-${empty.slice(0, 12)}`]);
  });

  it('begins names with that of the folder, and has nothing of its neighbours', async () => {
    const id = await make({ 'a/b/c': '1', 'a/b/d/e': '2', 'a/bc': '3', 'a/b.txt': '4', 'a/a': '5' });
    assert.deepEqual(Object.keys(extracted(await tar(id, 'a/b'))).sort(), ['b', 'b/c', 'b/d', 'b/d/e']);
    assert.deepEqual(of(extracted(await tar(id, 'a/b/d/e')), 'text'), { e: '2' }, 'one file');
  });

  it('keeps permissions and times to the nanosecond, of folders too', async () => {
    const shape: Shape = {
      't/plain': { mode: 0o640, mtime: 1_234_567_890n * SECOND, size: 0 },
      't/exact': { mode: 0o755, mtime: 1_234_567_890_123_456_789n, size: 0 },
      't/before': { mode: 0o444, mtime: -1_500_000_001n, size: 0 },
      't/late': { mode: 0o600, mtime: 9_000_000_000n * SECOND + 1n, size: 0 },
      't/dir': { kind: 'dir', mode: 0o555, mtime: 77n * SECOND + 7n },
      't/dir/in': 'it',
    };
    const all = extracted(await tar(await make(shape), 't'));
    for (const [name, entry] of Object.entries(shape)) {
      if (typeof entry === 'string' || Buffer.isBuffer(entry)) continue;
      assert.deepEqual([all[name].mode, all[name].mtime], [entry.mode, entry.mtime], name);
    }
    assert.equal(all.t.mtime, 1_600_000_000n * SECOND, 'of one that is not known: of the snapshot');
  });

  it('has links as links, whatever they name', async () => {
    const link = (target: string) => ({
      kind: 'symlink' as const,
      mode: 0,
      mtime: 0n,
      target: Buffer.from(target, 'latin1'),
    });
    const targets = [
      '../../etc/passwd',
      '/abs',
      '-x',
      'new\nline',
      '\xff\xfe',
      'y'.repeat(100),
      'y'.repeat(101),
      'z/'.repeat(500),
    ];
    const shape = Object.fromEntries(targets.map((target, n) => [`l/${n}`, link(target)]));
    const all = extracted(await tar(await make(shape), 'l'));
    assert.deepEqual(
      targets.map((_, n) => all[`l/${n}`].text),
      targets,
    );
  });

  it('links files of one group that are inside, and copies one whose first is outside', async () => {
    const linked = (text: string, group: string) => ({ text, linkGroup: keyOf(group) });
    const id = await make({
      'a/first': linked('same', 'a/first'),
      'd/one': linked('same', 'a/first'),
      'd/sub/two': linked('same', 'a/first'),
      [`d/${LONG}`]: linked('long', `d/${LONG}`),
      'd/zz': linked('long', `d/${LONG}`),
    });
    const below = extracted(await tar(id, 'd'));
    const all = extracted(await tar(id));
    const top = `snapshot-${id.slice(0, 12)}`;
    assert.deepEqual([below['d/one'].text, below['d/sub/two'].text, below['d/zz'].text], ['same', 'same', 'long']);
    assert.equal(below['d/one'].inode, undefined, 'a copy');
    assert.ok(below['d/zz'].inode && below['d/zz'].inode === below[`d/${LONG}`].inode);
    assert.ok(all[`${top}/a/first`].inode && all[`${top}/a/first`].inode === all[`${top}/d/sub/two`].inode);
  });

  it('has files of any size, pieces in order', async () => {
    const sizes = [0, 1, 511, 512, 513, 65_536, 3_000_000];
    const shape = Object.fromEntries(sizes.map((size) => [`s/${size}`, noise(size, size)]));
    shape['s/holes'] = Buffer.concat([noise(1, 300_000), Buffer.alloc(3_000_000), noise(2, 5)]);
    const all = extracted(await tar(await make(shape), 's'));
    for (const [name, bytes] of Object.entries(shape)) {
      assert.ok(Buffer.from(all[name].text ?? '', 'latin1').equals(bytes), name);
    }
  });
});

describe('hub: headers of a tar', () => {
  const item: TarItem = { name: Buffer.from('big'), type: '0', mode: 0o644, mtime: 0n, size: 0 };
  const listed = (item: TarItem, more: Uint8Array[]): string[] => {
    const tar = Buffer.concat([...tarHeader(item), ...more]);
    return spawnSync('tar', ['-tv', '--numeric-owner'], { input: tar, encoding: 'utf8' }).stdout.trim().split(/\s+/);
  };

  it('tell sizes of 8 GiB and more, and owners of any number', () => {
    const most = 0o77777777777;
    for (const size of [most, most + 1, 2 ** 50]) assert.equal(listed({ ...item, size }, [])[2], `${size}`);
    for (const [uid, gid] of [
      [0o7777777, 0o7777777],
      [0o10000000, 0],
      [5, 4_294_967_294],
    ]) {
      assert.equal(listed({ ...item, uid, gid }, [TAR_END])[1], `${uid}/${gid}`);
    }
  });

  it('stand in whole blocks', () => {
    for (let length = 1; length < 1100; length += 7) {
      const [name, target] = [Buffer.alloc(length, 'n'), Buffer.alloc(length, 't')];
      const bytes = Buffer.concat([...tarHeader({ ...item, name, target, type: '2', mtime: BigInt(length) })]);
      assert.equal(bytes.length % 512, 0);
    }
  });
});
