/**
 * Root ids and bytes that must never change: what was pushed yesterday must be found under the same ids tomorrow.
 * `node test/blob/manifest/golden.test.ts` writes the fixture anew, after a deliberate change of the format version.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { keyHash } from '../../../src/blob/manifest/format.ts';
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { encodeEntry } from '../../../src/core/entry-codec.ts';
import { encodeExtents } from '../../../src/core/extents.ts';
import { hex } from '../../../src/core/hash.ts';
import type { PathKey } from '../../../src/core/paths.ts';
import { MemoryNodes } from './memory.ts';

const key = (path: string): PathKey => path as PathKey;
const id = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const ENTRIES: Entry[] = [
  { path: key('dir'), kind: 'dir', mode: 0o755, mtime: 1_700_000_000_123_456_789n, size: 0 },
  {
    path: key('dir\0empty'),
    kind: 'file',
    mode: 0o644,
    mtime: -1n,
    size: 0,
    uid: 0,
    gid: 1000,
    content: { extents: new Uint8Array(0) },
  },
  {
    path: key('dir\0file'),
    kind: 'file',
    mode: 0o4755,
    mtime: 1n,
    size: 300 + 262_144 + 5,
    content: { extents: encodeExtents([{ length: 300, id: id(1) }, { length: 262_144 }, { length: 5, id: id(2) }]) },
    linkGroup: key('dir\0file'),
  },
  { path: key('link\xff'), kind: 'symlink', mode: 0, mtime: 0n, size: 0, target: Uint8Array.of(46, 46, 47, 255) },
];
const numbered = (count: number): Entry[] =>
  Array.from({ length: count }, (_, i) => ({
    ...ENTRIES[1],
    path: key(`n${String(i).padStart(6, '0')}`),
    mtime: BigInt(i),
  }));

/** Every item's id differs in its first byte, so that lists end where the format says. */
const list = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    length: 65_536 + (i % 7),
    id: id(0).map((_, b) => (b < 4 ? (i * 2_654_435_761) >>> (8 * b) : 0)),
  }));

function golden(): unknown {
  const small = new MemoryNodes();
  const lists = new MemoryNodes();
  const content = manifest.buildList(lists, list(5000));
  return {
    entries: ENTRIES.map((e) => ({ path: e.path, bytes: hex(encodeEntry(e)) })),
    keyHash: ['', 'a', 'dir\0file', 'link\xff'].map((k) => [0, 1, 5].map((level) => keyHash(level, k))),
    empty: manifest.build(new MemoryNodes(), []),
    small: { root: manifest.build(small, ENTRIES), node: hex([...small.nodes.values()][0]) },
    roots: [1, 128, 1024, 20_000].map((n) => ({ entries: n, root: manifest.build(new MemoryNodes(), numbered(n)) })),
    list: { id: 'list' in content ? content.list : '', nodes: lists.nodes.size },
  };
}

const FILE = new URL('../../fixtures/manifest/golden.json', import.meta.url);
if (import.meta.main) writeFileSync(FILE, `${JSON.stringify(golden(), null, 2)}\n`);
else {
  describe('blob/manifest: golden nodes', () => {
    it('has the bytes and ids that it always had', () => {
      assert.deepEqual(golden(), JSON.parse(readFileSync(FILE, 'utf8')));
    });
  });
}
