import assert from 'node:assert/strict';
import fc from 'fast-check';
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { behindKey, keyOfText, type PathKey, parentKey, ROOT } from '../../../src/core/paths.ts';
import { seed, shape, size } from './arbitraries.ts';
import { MemoryNodes } from './memory.ts';
import { applied, dirAt, fileAt, plain, randomChanges, randomFrom, randomTree, sorted } from './trees.ts';

/** Keys that are in the tree, beside it, before and behind it. */
function someKeys(random: (n: number) => number, list: Entry[], count: number): PathKey[] {
  const near = (path: PathKey): PathKey[] => [
    path,
    behindKey(path),
    `${path}\0` as PathKey,
    path.slice(0, -1) as PathKey,
  ];
  const drawn = Array.from({ length: count }, () => {
    const path = list.length === 0 ? keyOfText('x') : list[random(list.length)].path;
    return near(path)[random(4)];
  });
  return [...drawn, ROOT, '\xff\xff' as PathKey];
}

const file = (path: string): Entry => fileAt(keyOfText(path));
const dir = (path: string): Entry => dirAt(keyOfText(path));
const inOrder = (entries: Entry[]): Entry[] => entries.sort((a, b) => (a.path < b.path ? -1 : 1));

describe('blob/manifest: walks', () => {
  it('a walk from a path on is what entries give from it on, however it got there', () => {
    fc.assert(
      fc.property(seed, size, shape, (seed, size, shape) => {
        const nodes = new MemoryNodes();
        const list = sorted(randomTree(seed, size, shape, nodes));
        const root = manifest.build(nodes, list);
        const keys = someKeys(randomFrom(seed), list, 12).sort((a, b) => (a < b ? -1 : 1));
        const stepping = manifest.walk(nodes, root);
        for (const key of keys) {
          const wanted = list.filter(({ path }) => path >= key).slice(0, 300);
          const walk = manifest.walk(nodes, root);
          walk.seek(key);
          for (const entry of wanted) {
            assert.equal(walk.path, entry.path);
            assert.deepEqual(plain(walk.entry()), plain(entry));
            walk.next();
          }
          stepping.seek(key);
          assert.equal(stepping.path, wanted[0]?.path, 'one that leaps again and again');
        }
        assert.equal(stepping.path, undefined, 'at the end');
      }),
      { numRuns: 40 },
    );
  });

  it('never goes back', () => {
    const nodes = new MemoryNodes();
    const list = inOrder(Array.from({ length: 3000 }, (_, n) => file(`f${n}`)));
    const walk = manifest.walk(nodes, manifest.build(nodes, list));
    walk.seek(list[2000].path);
    for (const key of [list[10].path, ROOT]) walk.seek(key);
    assert.equal(walk.path, list[2000].path);
  });

  it('children are the entries whose parent is the folder, behind any of them', () => {
    fc.assert(
      fc.property(seed, size, shape, (seed, size, shape) => {
        const nodes = new MemoryNodes();
        const list = sorted(randomTree(seed, size, shape, nodes));
        const root = manifest.build(nodes, list);
        const folders = list.filter(({ kind }) => kind === 'dir').map(({ path }) => path);
        for (const folder of [ROOT, ...folders.slice(0, 20)]) {
          const own = list.filter(({ path }) => path !== ROOT && parentKey(path) === folder && path !== folder);
          assert.deepEqual([...manifest.children(nodes, root, folder)].map(plain), own.map(plain));
          const middle = own[own.length >> 1]?.path;
          if (middle === undefined) continue;
          const rest = own.filter(({ path }) => path > middle).map(({ path }) => path);
          assert.deepEqual(
            [...manifest.children(nodes, root, folder, middle)].map(({ path }) => path),
            rest,
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  it('the children of a folder are read without what lies below them', () => {
    const nodes = new MemoryNodes();
    const folders = Array.from({ length: 20 }, (_, d) => `d${d}`);
    const list = folders.flatMap((d) => [dir(d), ...Array.from({ length: 3000 }, (_, n) => file(`${d}/file${n}`))]);
    const root = manifest.build(nodes, inOrder(list));
    const all = nodes.nodes.size;
    nodes.resetCounts();
    assert.equal([...manifest.children(nodes, root, ROOT)].length, 20);
    assert.ok(all > 300 && nodes.reads < 70, `${nodes.reads} of ${all} nodes for 20 folders`);
    nodes.resetCounts();
    const behind = manifest.children(nodes, root, keyOfText('d7'), keyOfText('d7/file2500'));
    behind[Symbol.iterator]().next();
    assert.ok(nodes.reads < 8, `${nodes.reads} nodes for one entry in the middle`);
  });
});

describe('blob/manifest: a diff from a path on', () => {
  it('is the rest of the whole one', () => {
    fc.assert(
      fc.property(seed, size, fc.integer({ min: 0, max: 300 }), shape, (seed, size, edits, shape) => {
        const nodes = new MemoryNodes();
        const tree = randomTree(seed, size, shape, nodes);
        const from = manifest.build(nodes, sorted(tree));
        const after = applied(tree, randomChanges(seed, tree, edits, shape));
        const to = manifest.build(nodes, sorted(after));
        const whole = [...manifest.diff(nodes, from, to)].map(({ path }) => path);
        for (const start of someKeys(randomFrom(seed), sorted(after), 10)) {
          assert.deepEqual(
            [...manifest.diff(nodes, from, to, start)].map(({ path }) => path),
            whole.filter((path) => path >= start),
          );
        }
      }),
      { numRuns: 40 },
    );
  });
});
