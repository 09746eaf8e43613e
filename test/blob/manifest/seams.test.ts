/** Trees that are right in every node and wrong where nodes meet. */
import assert from 'node:assert/strict';
import { keyHash, TYPE } from '../../../src/blob/manifest/format.ts';
import { manifest } from '../../../src/blob/manifest/index.ts';
import { type Child, readChildren, treeHeader } from '../../../src/blob/manifest/node-reader.ts';
import { NodeWriter } from '../../../src/blob/manifest/node-writer.ts';
import type { Entry, Extent } from '../../../src/core/entry.ts';
import { writeExtent } from '../../../src/core/extents.ts';
import { unhex } from '../../../src/core/hash.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { PathKey } from '../../../src/core/paths.ts';
import { MemoryNodes } from './memory.ts';
import { fileAt, randomTree, sorted } from './trees.ts';

const file = (path: string, more?: Partial<Entry>): Entry => fileAt(path as PathKey, more);
const refuses = (nodes: MemoryNodes, root: NodeId, trusted?: NodeId[], message?: RegExp): void => {
  assert.throws(() => manifest.check(nodes, root, trusted), { code: 'integrity', ...(message && { message }) });
};

function inner(nodes: MemoryNodes, children: Child[]): Child {
  const writer = new NodeWriter(TYPE.inner, children[0].level + 1);
  const totals = { entries: 0, files: 0, bytes: 0, links: 0 };
  for (const child of children) {
    writer.key(child.key, 128);
    writer.bytes(unhex(child.id));
    for (const field of ['entries', 'files', 'bytes', 'links'] as const) {
      writer.number(child.totals[field]);
      totals[field] += child.totals[field];
    }
    writer.end(1);
  }
  return { key: children[0].key, id: nodes.putNode(writer.take()), level: writer.level, totals };
}

describe('blob/manifest: seams between nodes', () => {
  const nodes = new MemoryNodes();
  const entries = sorted(randomTree(3, 12_000, 'every-boundary', nodes));
  const root = manifest.build(nodes, entries);
  const middle = readChildren(treeHeader(nodes, root));
  const leaves = middle.flatMap((child) => (child.level > 0 ? readChildren(treeHeader(nodes, child.id)) : [child]));

  it('has three levels to work with', () => {
    assert.equal(middle[0].level, 1);
    assert.ok(leaves.length > 400 && leaves.length < 1000);
    manifest.check(nodes, inner(nodes, middle).id);
  });

  it('refuses inner nodes joined, or cut elsewhere', () => {
    const wrong = /ends in the wrong place/;
    refuses(nodes, inner(nodes, leaves).id, undefined, wrong);
    refuses(
      nodes,
      inner(
        nodes,
        [leaves.slice(0, 30), leaves.slice(30)].map((part) => inner(nodes, part)),
      ).id,
      undefined,
      wrong,
    );
    refuses(nodes, inner(nodes, leaves).id, [root], wrong);
  });

  it('refuses an inner root with one child', () => refuses(nodes, inner(nodes, [inner(nodes, middle)]).id));

  it('refuses trusted nodes in another order', () => {
    const [a, b, ...rest] = middle;
    const last = leaves[leaves.length - 1];
    const swapped = inner(nodes, [...readChildren(treeHeader(nodes, a.id)).slice(0, -1), last]);
    refuses(nodes, inner(nodes, [swapped, b, ...rest]).id, [root]);
  });

  it('refuses trusted nodes below what is a directory no longer', () => {
    const files = Array.from({ length: 20 }, (_, i) => file(`a${i + 10}`));
    let name = 'b0';
    while ((keyHash(0, name) & 127) !== 0) name = `b${Number(name.slice(1)) + 1}`;
    const folder: Entry = { path: name as PathKey, kind: 'dir', mode: 0o755, mtime: 0n, size: 0 };
    const below = Array.from({ length: 3000 }, (_, i) => file(`${name}\0${i + 1000}`));
    const good = manifest.build(nodes, [...files, folder, ...below]);
    const bad = manifest.patch(nodes, nodes, good, [{ path: folder.path, after: file(name) }]);
    assert.equal(readChildren(treeHeader(nodes, bad))[1].key, below[0].path, 'the folder ends its node');
    refuses(nodes, bad, [good], /folder/);
  });

  it('refuses a key that shares less than it could', () => {
    const [a, b] = ['02', '02'].map((entry) => Buffer.from(entry, 'hex'));
    const item = (shared: number, text: string, entry: Buffer) =>
      Buffer.concat([Uint8Array.of(shared, text.length), Buffer.from(text), Uint8Array.of(1), entry]);
    const node = (second: Buffer) =>
      nodes.putNode(Buffer.concat([Uint8Array.of(1, 0, 0, 2, 0), item(0, 'ab', a), second]));
    manifest.check(nodes, node(item(1, 'c', b)));
    refuses(nodes, node(item(0, 'ac', b)));
    refuses(nodes, node(item(1, 'a', b)));
    refuses(nodes, node(item(0, 'ab', b)));
  });

  it('a patch that leaves only a node with one child comes to the child', () => {
    const [only, next] = readChildren(treeHeader(nodes, middle[1].id));
    const tree = entries.filter((e) => e.path < next.key);
    const from = manifest.build(nodes, tree);
    const last = readChildren(treeHeader(nodes, from)).at(-1) as Child;
    assert.equal(treeHeader(nodes, last.id, 1).count, 1);
    const gone = tree.filter((e) => e.path < only.key).map((e) => ({ path: e.path }));
    const left = tree.filter((e) => e.path >= only.key);
    assert.equal(manifest.patch(nodes, nodes, from, gone), manifest.build(nodes, left));
  });
});

describe('blob/manifest: seams of lists', () => {
  const nodes = new MemoryNodes();
  const chunk = (n: number): Extent => ({ length: 100, id: new Uint8Array(32).fill(1 + (n % 100)) });

  function listOf(parts: Extent[][]): NodeId {
    const above = new NodeWriter(TYPE.listInner, 1);
    for (const part of parts) {
      const leaf = new NodeWriter(TYPE.listLeaf, 0);
      for (const extent of part) {
        const bytes = new Uint8Array(40);
        leaf.room();
        leaf.bytes(bytes, 0, writeExtent(bytes, 0, extent));
        leaf.end(1);
      }
      above.room();
      above.bytes(unhex(nodes.putNode(leaf.take())));
      above.number(part.reduce((sum, e) => sum + e.length, 0));
      above.number(part.length);
      above.end(1);
    }
    return nodes.putNode(above.take());
  }
  const treeOf = (parts: Extent[][]): NodeId =>
    manifest.build(nodes, [
      file('big', { size: parts.flat().reduce((sum, e) => sum + e.length, 0), content: { list: listOf(parts) } }),
    ]);

  const many = Array.from({ length: 1023 }, (_, i) => chunk(i));
  const hole = { length: 262_144 };

  it('takes a list cut at the maximum', () => manifest.check(nodes, treeOf([[...many, hole], [chunk(1)]])));
  it('refuses a list cut elsewhere', () => {
    refuses(nodes, treeOf([many, [chunk(1), chunk(2)]]), undefined, /wrong place/);
    refuses(nodes, treeOf([many.slice(0, 500), many.slice(500)]), undefined, /wrong place/);
  });
  it('refuses two holes that meet where nodes do', () => {
    refuses(
      nodes,
      treeOf([
        [...many, hole],
        [hole, chunk(1)],
      ]),
      undefined,
      /holes/,
    );
  });
  it('refuses a list that should be inline, and a root with one child', () => {
    refuses(nodes, treeOf([many.slice(0, 64)]), undefined, /inline/);
    refuses(nodes, treeOf([many]), undefined, /one child/);
  });
});
