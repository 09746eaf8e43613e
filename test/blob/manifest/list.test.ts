import assert from 'node:assert/strict';
import fc from 'fast-check';
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { Content, Entry, Extent } from '../../../src/core/entry.ts';
import { hex } from '../../../src/core/hash.ts';
import { keyOfText } from '../../../src/core/paths.ts';
import { MemoryNodes } from './memory.ts';
import { randomExtents, randomFrom } from './trees.ts';

const show = (list: Iterable<Extent>) => [...list].map((e) => `${e.length} ${e.id ? hex(e.id) : 'hole'}`);
const fileOf = (content: Content, list: Extent[]): Entry => ({
  path: keyOfText('big'),
  kind: 'file',
  mode: 0o644,
  mtime: 1n,
  size: list.reduce((sum, e) => sum + e.length, 0),
  content,
});

describe('blob/manifest: lists of extents', () => {
  it('gives back the extents, and passes the check', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1 << 30 }),
        fc.oneof(fc.constantFrom(0, 1, 60, 70), fc.nat(5000)),
        (seed, count) => {
          const nodes = new MemoryNodes();
          const list = randomExtents(randomFrom(seed), count);
          const content = manifest.buildList(nodes, list);
          const back = [...manifest.extents(nodes, content)];
          assert.equal('extents' in content, back.length <= 64);
          const joined = [...manifest.extents(nodes, manifest.buildList(nodes, back))];
          assert.deepEqual(show(back), show(joined));
          const chunks = (all: Extent[]) => show(all.filter((e) => e.id));
          assert.deepEqual(chunks(back), chunks(list));
          const file = fileOf(content, list);
          manifest.check(nodes, manifest.build(nodes, [file]));
        },
      ),
      { numRuns: 40 },
    );
  });

  const long = randomExtents(randomFrom(42), 16_384);
  const before = new MemoryNodes();
  const content = manifest.buildList(before, long);

  for (const [what, edited] of [
    ['inserted at the front', [...randomExtents(randomFrom(1), 1), ...long]],
    ['changed in the middle', [...long.slice(0, 8000), ...randomExtents(randomFrom(2), 1), ...long.slice(8001)]],
    ['removed at the front', long.slice(1)],
    ['appended', [...long, ...randomExtents(randomFrom(3), 1)]],
  ] as const) {
    it(`one chunk ${what} makes a node or two a level, and is the only one to be sent`, () => {
      const nodes = new MemoryNodes();
      for (const [id, bytes] of before.nodes) nodes.nodes.set(id, bytes);
      nodes.resetCounts();
      const now = manifest.buildList(nodes, edited);
      assert.ok(nodes.fresh <= 6, `${nodes.fresh} new nodes`);
      const from = manifest.build(nodes, [fileOf(content, long)]);
      const to = manifest.build(nodes, [fileOf(now, [...edited])]);
      nodes.resetCounts();
      const sent = [...manifest.reachable(nodes, to, [from])];
      assert.ok(sent.filter((o) => o.kind === 0).length <= 2, 'chunks that were there are sent again');
      assert.ok(sent.filter((o) => o.kind === 1).length <= 7);
      assert.ok(nodes.reads < 30, `${nodes.reads} nodes read`);
      manifest.check(nodes, to, [from]);
    });
  }

  it('holds a file of one chunk repeated, and a sparse one', () => {
    for (const id of [new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      const nodes = new MemoryNodes();
      const list = Array.from({ length: 20_000 }, () => ({ length: 4096, id }));
      const root = manifest.build(nodes, [fileOf(manifest.buildList(nodes, list), list)]);
      manifest.check(nodes, root);
      assert.ok(nodes.nodes.size < 40, `${nodes.nodes.size} nodes`);
      assert.equal([...manifest.reachable(nodes, root)].filter((o) => o.kind === 0).length, 1);
    }
    const nodes = new MemoryNodes();
    const sparse = Array.from({ length: 10_000 }, () => ({ length: 262_144 }));
    assert.deepEqual([...manifest.extents(nodes, manifest.buildList(nodes, sparse))], [{ length: 262_144 * 10_000 }]);
  });
});
