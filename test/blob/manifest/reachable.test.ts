import assert from 'node:assert/strict';
import fc from 'fast-check';
import { manifest } from '../../../src/blob/manifest/index.ts';
import { hex } from '../../../src/core/hash.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { MemoryNodes } from './memory.ts';
import { applied, randomChanges, randomTree, sorted } from './trees.ts';

/** Everything that a tree names, the slow way: by reading all of it through a source that notes what is read. */
function everything(nodes: MemoryNodes, root: NodeId): Set<string> {
  const found = new Set<string>();
  const noting = {
    readNode(id: NodeId): Uint8Array {
      found.add(`1 ${id}`);
      return nodes.readNode(id);
    },
  };
  for (const { content } of manifest.entries(noting, root)) {
    if (!content) continue;
    for (const { id } of manifest.extents(noting, content)) if (id) found.add(`0 ${hex(id)}`);
  }
  return found;
}

describe('blob/manifest: reachable', () => {
  const seed = fc.integer({ min: 1, max: 1 << 30 });

  it('names exactly what a tree holds', () => {
    fc.assert(
      fc.property(seed, fc.nat(2000), (seed, size) => {
        const nodes = new MemoryNodes();
        const root = manifest.build(nodes, sorted(randomTree(seed, size, 'plain', nodes)));
        const named = [...manifest.reachable(nodes, root)].map((o) => `${o.kind} ${hex(o.id)}`);
        assert.deepEqual(new Set(named), everything(nodes, root));
      }),
      { numRuns: 25 },
    );
  });

  it('leaves nothing out beside what the bases hold', () => {
    fc.assert(
      fc.property(seed, fc.nat(2000), fc.nat(100), fc.nat(100), (seed, size, one, two) => {
        const nodes = new MemoryNodes();
        const tree = randomTree(seed, size, 'plain', nodes);
        const next = applied(tree, randomChanges(seed, tree, one, 'plain'));
        const last = applied(next, randomChanges(seed + 1, next, two, 'plain'));
        const [a, b, c] = [tree, next, last].map((t) => manifest.build(nodes, sorted(t)));
        const held = new Set([...everything(nodes, a), ...everything(nodes, b)]);
        const named = new Set([...manifest.reachable(nodes, c, [a, b])].map((o) => `${o.kind} ${hex(o.id)}`));
        const all = everything(nodes, c);
        for (const object of all) assert.ok(held.has(object) || named.has(object), `${object} is left out`);
        for (const object of named) assert.ok(all.has(object), `${object} is not of this tree`);
        const spare = [...named].filter((object) => object.startsWith('0') && held.has(object)).length;
        assert.ok(spare <= 5, `${spare} chunks that a base holds at the same path`);
      }),
      { numRuns: 25 },
    );
  });

  it('sends no chunk for a tree in which only times changed', () => {
    const nodes = new MemoryNodes();
    const tree = sorted(randomTree(9, 3000, 'plain', nodes));
    const from = manifest.build(nodes, tree);
    const to = manifest.build(
      nodes,
      tree.map((e) => ({ ...e, mtime: e.mtime + 1n })),
    );
    assert.equal([...manifest.reachable(nodes, to, [from])].filter((o) => o.kind === 0).length, 0);
  });
});
