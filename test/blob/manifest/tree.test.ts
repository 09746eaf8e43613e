import assert from 'node:assert/strict';
import fc from 'fast-check';
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { Change, Entry } from '../../../src/core/entry.ts';
import { isWithin, keyOfText, type PathKey, ROOT } from '../../../src/core/paths.ts';
import { seed, shape, size } from './arbitraries.ts';
import { MemoryNodes } from './memory.ts';
import { applied, fileAt, plain, randomChanges, randomTree, sorted } from './trees.ts';

const edits = fc.oneof(fc.constantFrom(1, 2, 3), fc.integer({ min: 0, max: 400 }));
const file = (path: string): Entry => fileAt(keyOfText(path));
const apply = (nodes: MemoryNodes, root: string, changes: Iterable<Change>) =>
  manifest.patch(nodes, nodes, root as never, changes);

describe('blob/manifest: build, patch and diff', () => {
  it('a patch gives the tree that a build gives, and the diff gives the patch back', () => {
    fc.assert(
      fc.property(seed, size, edits, shape, (seed, size, edits, shape) => {
        const nodes = new MemoryNodes();
        const tree = randomTree(seed, size, shape, nodes);
        const changes = randomChanges(seed, tree, edits, shape);
        const after = applied(tree, changes);
        const from = manifest.build(nodes, sorted(tree));
        const to = manifest.build(nodes, sorted(after));
        assert.equal(apply(nodes, from, changes), to, 'patch = build');
        const forth = [...manifest.diff(nodes, from, to)];
        const back = [...manifest.diff(nodes, to, from)];
        assert.equal(apply(nodes, from, forth), to, 'apply(a, diff(a, b)) = b');
        assert.equal(apply(nodes, to, back), from, 'and back');
        const turned = back.map((c) => ({ path: c.path, before: plain(c.after), after: plain(c.before) }));
        assert.deepEqual(
          turned,
          forth.map((c) => ({ path: c.path, before: plain(c.before), after: plain(c.after) })),
        );
        const real = changes.filter((c) => JSON.stringify(plain(c.before)) !== JSON.stringify(plain(c.after)));
        assert.deepEqual(
          forth.map((c) => c.path),
          real.map((c) => c.path),
        );
        manifest.check(nodes, to);
        manifest.check(nodes, to, [from]);
        manifest.check(nodes, from, [to]);
      }),
      { numRuns: 50 },
    );
  });

  it('reads back what was built', () => {
    fc.assert(
      fc.property(seed, size, shape, (seed, size, shape) => {
        const nodes = new MemoryNodes();
        const list = sorted(randomTree(seed, size, shape, nodes));
        const root = manifest.build(nodes, list);
        assert.deepEqual([...manifest.entries(nodes, root)].map(plain), list.map(plain));
        assert.deepEqual(
          [...manifest.encodedEntries(nodes, root)].map((e) => e.path),
          list.map((e) => e.path),
        );
        const files = list.filter((e) => e.kind === 'file');
        assert.deepEqual(manifest.totals(nodes, root), {
          entries: list.length,
          files: files.length,
          bytes: files.reduce((sum, e) => sum + e.size, 0),
          links: list.filter((e) => e.linkGroup !== undefined).length,
        });
        for (const entry of list.slice(0, 20)) {
          assert.deepEqual(plain(manifest.find(nodes, root, entry.path)), plain(entry));
          assert.equal(manifest.find(nodes, root, `${entry.path}\0\x01` as PathKey), undefined);
          const below = list.filter((e) => isWithin(e.path, entry.path)).map((e) => e.path);
          assert.deepEqual(
            [...manifest.entries(nodes, root, entry.path)].map((e) => e.path),
            below,
          );
        }
        assert.equal(manifest.find(nodes, root, ROOT), undefined);
        assert.equal(manifest.find(nodes, root, '\xff\xff\xff' as PathKey), undefined);
      }),
      { numRuns: 25 },
    );
  });

  it('comes to the same root on every way: file by file, in halves, from a larger tree', () => {
    const all = sorted(randomTree(7, 700, 'plain'));
    const nodes = new MemoryNodes();
    const wanted = manifest.build(nodes, all);
    let root = manifest.build(nodes, []);
    for (const i of all.keys()) {
      const entry = all[(i * 331) % all.length];
      root = apply(nodes, root, [{ path: entry.path, after: entry }]);
    }
    assert.equal(root, wanted);
    const even = manifest.build(
      nodes,
      all.filter((_, i) => i % 2 === 0),
    );
    assert.equal(
      apply(
        nodes,
        even,
        all.filter((_, i) => i % 2 === 1).map((e) => ({ path: e.path, after: e })),
      ),
      wanted,
    );
    let empty = wanted;
    for (const entry of all) empty = apply(nodes, empty, [{ path: entry.path, before: entry }]);
    assert.equal(empty, manifest.build(nodes, []));
  });

  it('takes changes that arrive over time', async () => {
    const nodes = new MemoryNodes();
    const tree = randomTree(3, 2000, 'plain');
    const changes = randomChanges(3, tree, 50, 'plain');
    const root = manifest.build(nodes, sorted(tree));
    async function* later(): AsyncGenerator<Change> {
      for (const change of changes) yield await Promise.resolve(change);
    }
    assert.equal(await manifest.patchAsync(nodes, nodes, root, later()), apply(nodes, root, changes));
  });

  it('a removed path that was not there changes nothing', () => {
    const nodes = new MemoryNodes();
    const root = manifest.build(nodes, sorted(randomTree(5, 3000, 'plain')));
    assert.equal(
      apply(nodes, root, [{ path: '\x01nothing' as PathKey }, { path: '\xff\xffnothing' as PathKey }]),
      root,
    );
    assert.equal(apply(nodes, root, []), root);
  });

  it('refuses entries and changes out of order', () => {
    const nodes = new MemoryNodes();
    assert.throws(() => manifest.build(nodes, [file('b'), file('a')]), { code: 'unexpected' });
    assert.throws(() => manifest.build(nodes, [file('a'), file('a')]), { code: 'unexpected' });
    assert.throws(() => manifest.build(nodes, [file('ab'), file('a')]), { code: 'unexpected' });
    assert.throws(() => manifest.build(nodes, [file('')]), { code: 'unexpected' });
    const root = manifest.build(nodes, [file('a')]);
    assert.throws(() => apply(nodes, root, [{ path: keyOfText('b') }, { path: keyOfText('a') }]), {
      code: 'unexpected',
    });
    assert.throws(() => apply(nodes, root, [{ path: keyOfText('b'), after: file('c') }]), { code: 'unexpected' });
  });
});

describe('blob/manifest: what it costs', () => {
  const list = Array.from({ length: 50_000 }, (_, i) => file(`f${String(i).padStart(7, '0')}`));
  const nodes = new MemoryNodes();
  let root: ReturnType<typeof manifest.build>;
  before(() => {
    root = manifest.build(nodes, list);
  });
  beforeEach(() => nodes.resetCounts());
  const touched = (at: number): Change => ({
    path: list[at].path,
    before: list[at],
    after: { ...list[at], mtime: 99n },
  });

  it('one change of 50,000 reads and writes one node a level', () => {
    const to = apply(nodes, root, [touched(25_000)]);
    assert.ok(nodes.reads <= 5 && nodes.fresh <= 3, `${nodes.reads} read, ${nodes.fresh} new`);
    nodes.resetCounts();
    assert.equal([...manifest.diff(nodes, root, to)].length, 1);
    assert.ok(nodes.reads <= 6, `${nodes.reads} read`);
  });

  it('one more or fewer name touches a few nodes', () => {
    const added = file('f0025000x');
    apply(nodes, root, [{ path: added.path, after: added }]);
    assert.ok(nodes.reads <= 10 && nodes.fresh <= 6, `${nodes.reads} read, ${nodes.fresh} new`);
    nodes.resetCounts();
    apply(nodes, root, [{ path: list[30_000].path }]);
    assert.ok(nodes.reads <= 10 && nodes.fresh <= 6, `${nodes.reads} read, ${nodes.fresh} new`);
  });

  it('no change reads nothing', () => {
    assert.equal([...manifest.diff(nodes, root, root)].length, 0);
    assert.equal(apply(nodes, root, []), root);
    manifest.check(nodes, root, [root]);
    assert.equal([...manifest.reachable(nodes, root, [root])].length, 0);
    assert.equal(nodes.reads, 0);
  });

  it('totals and one path cost a node a level', () => {
    manifest.totals(nodes, root);
    assert.equal(nodes.reads, 1);
    manifest.find(nodes, root, list[77].path);
    assert.ok(nodes.reads <= 5, `${nodes.reads} read`);
  });

  it('a check beside a trusted tree reads what is new and the seams', () => {
    const to = apply(nodes, root, [touched(10), touched(25_000), touched(49_000)]);
    nodes.resetCounts();
    manifest.check(nodes, to, [root]);
    assert.ok(nodes.reads <= 30, `${nodes.reads} read`);
  });

  it('finds its way again after nodes that were cut at the maximum', () => {
    const even = sorted(randomTree(11, 30_000, 'no-boundary'));
    const tree = manifest.build(nodes, even);
    nodes.resetCounts();
    const at = even[5];
    apply(nodes, tree, [{ path: at.path, before: at, after: { ...at, mtime: 1n } }]);
    assert.ok(nodes.fresh <= 3, `${nodes.fresh} new`);
  });
});
