import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TYPE } from '../../../src/blob/manifest/format.ts';
import { manifest } from '../../../src/blob/manifest/index.ts';
import { readChildren, treeHeader } from '../../../src/blob/manifest/node-reader.ts';
import { NodeWriter } from '../../../src/blob/manifest/node-writer.ts';
import { TreeWriter } from '../../../src/blob/manifest/tree-writer.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { PlaitError } from '../../../src/core/errors.ts';
import { unhex } from '../../../src/core/hash.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { isLegalPath } from '../../../src/core/names.ts';
import { keyOfText, type PathKey, parentKey } from '../../../src/core/paths.ts';
import { MemoryNodes } from './memory.ts';
import { mutateTree } from './mutate.ts';
import {
  applied,
  dirAt,
  fileAt,
  randomChanges,
  randomExtents,
  randomFrom,
  randomTree,
  type Shape,
  sorted,
} from './trees.ts';

const key = (path: string): PathKey => path as PathKey;
const file = (path: string, more?: Partial<Entry>): Entry => fileAt(key(path), more);
const dir = (path: string): Entry => dirAt(key(path));
const link = (path: string): Entry => ({
  path: key(path),
  kind: 'symlink',
  mode: 0,
  mtime: 0n,
  size: 0,
  target: Uint8Array.of(97),
});

/** undefined: accepted. Anything but a PlaitError of the right kind is thrown on. */
function refusal(nodes: MemoryNodes, root: NodeId, trusted?: NodeId[]): string | undefined {
  try {
    manifest.check(nodes, root, trusted);
    return undefined;
  } catch (error) {
    if (error instanceof PlaitError && ['integrity', 'format', 'blob-absent'].includes(error.code)) return error.code;
    throw error;
  }
}

/** What check promises, found out the slow way: the tree is the one that its entries make, and all of them are legal. */
function assertCanonical(nodes: MemoryNodes, root: NodeId): void {
  const entries = [...manifest.entries(nodes, root)];
  const sink = new MemoryNodes();
  const again = entries.map((e) =>
    e.content ? { ...e, content: manifest.buildList(sink, manifest.extents(nodes, e.content)) } : e,
  );
  assert.equal(manifest.build(sink, again), root);
  const byPath = new Map(entries.map((e) => [e.path, e]));
  for (const { path, kind, linkGroup } of entries) {
    assert.ok(isLegalPath(path));
    const parent = parentKey(path);
    assert.ok(parent === '' || byPath.get(parent)?.kind === 'dir', 'a folder is missing');
    if (linkGroup === undefined) continue;
    assert.ok(
      linkGroup <= path && byPath.get(linkGroup)?.linkGroup === linkGroup && byPath.get(linkGroup)?.kind === kind,
    );
  }
}

describe('blob/manifest: check', () => {
  const tree = (entries: Entry[]) => {
    const nodes = new MemoryNodes();
    return {
      nodes,
      root: manifest.build(
        nodes,
        [...entries].sort((a, b) => (a.path < b.path ? -1 : 1)),
      ),
    };
  };
  const rows: [string, Entry[], boolean][] = [
    ['an empty tree', [], true],
    ['files and folders', [dir('a'), file('a\0b'), link('c')], true],
    ['a folder beside a name that begins like it', [dir('a'), file('a\0b'), file('a b'), dir('ab')], true],
    ['names that JavaScript knows', [dir('__proto__'), file('__proto__\0constructor'), file('toString')], true],
    ['a hard link', [file('a', { linkGroup: key('a') }), file('b', { linkGroup: key('a') })], true],
    ['a missing folder', [file('a\0b')], false],
    ['a missing folder in between', [dir('a'), file('a\0b\0c')], false],
    ['a file for a folder', [file('a'), file('a\0b')], false],
    ['a symlink for a folder', [link('a'), file('a\0b')], false],
    ['a folder that begins like the right one', [dir('a'), file('a\0b'), file('ab\0c')], false],
    ['a hard link to nothing', [file('b', { linkGroup: key('a') })], false],
    ['a hard link forward', [file('a', { linkGroup: key('b') }), file('b', { linkGroup: key('b') })], false],
    ['a hard link to no member', [file('a'), file('b', { linkGroup: key('a') })], false],
    ['a hard link to another kind', [{ ...link('a'), linkGroup: key('a') }, file('b', { linkGroup: key('a') })], false],
    ['a hard link to a store', [file('b', { linkGroup: key('.plait\0format') })], false],
    ['a file whose list is not here', [file('a', { size: 9, content: { list: 'ab'.repeat(32) as NodeId } })], false],
  ];
  for (const [what, entries, legal] of rows) {
    it(`${legal ? 'takes' : 'refuses'} ${what}`, () => {
      const { nodes, root } = tree(entries);
      assert.equal(refusal(nodes, root) === undefined, legal);
    });
  }

  for (const name of [
    '..',
    '.',
    '',
    '../x',
    '/etc',
    '\0',
    'a/b',
    '\0a',
    'a\0',
    '.plait',
    '.PLAIT',
    'x'.repeat(256),
    'plait~1',
    '.pl\xe2\x80\x8cait',
  ]) {
    it(`refuses the name ${JSON.stringify(name.slice(0, 12))}, at the top and below`, () => {
      if (name !== '') assert.ok(refusal(...pair(tree([file(name)]))));
      assert.ok(refusal(...pair(tree([dir('d'), file(`d\0${name}`)]))));
    });
  }
  const pair = ({ nodes, root }: { nodes: MemoryNodes; root: NodeId }) => [nodes, root] as const;

  it('takes a tree only if it is the one that its entries make', () => {
    const seed = fc.integer({ min: 1, max: 1 << 30 });
    const shape = fc.constantFrom<Shape>('plain', 'every-boundary');
    let refused = 0;
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 900 }), shape, fc.boolean(), (seed, size, shape, trust) => {
        const random = randomFrom(seed);
        const nodes = new MemoryNodes();
        const root = manifest.build(nodes, sorted(randomTree(seed, size, shape, nodes)));
        for (let i = 0; i < 12; i++) {
          const bad = mutateTree(nodes, root, random, (bytes) => {
            const at = random(bytes.length);
            const what = random(4);
            if (what === 0) bytes[at] ^= 1 << random(8);
            else if (what === 1)
              return Buffer.concat([bytes.subarray(0, at), Uint8Array.of(random(256)), bytes.subarray(at)]);
            else if (what === 2) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
            else if (bytes[3] > 1) bytes[3]--;
            return bytes;
          });
          const code = refusal(nodes, bad, trust ? [root] : undefined);
          if (code) refused++;
          else assertCanonical(nodes, bad);
        }
      }),
      { numRuns: 30 },
    );
    assert.ok(refused > 150, `only ${refused} refused`);
  });

  it('refuses nodes that do not match their ids', () => {
    const { nodes, root } = tree([file('a')]);
    const bytes = Buffer.from(nodes.readNode(root));
    bytes[bytes.length - 1] ^= 1;
    nodes.nodes.set(root, bytes);
    assert.equal(refusal(nodes, root), 'integrity');
  });

  it('says format, not integrity, for what a later version may have written', () => {
    const { nodes, root } = tree([file('a')]);
    for (const at of [0, 1]) {
      const bytes = Buffer.from(nodes.readNode(root));
      bytes[at] = 9;
      assert.equal(refusal(nodes, nodes.putNode(bytes)), 'format');
    }
  });
});

/** An inner node over given children of one level, as no honest writer would make it. */
function over(nodes: MemoryNodes, children: ReturnType<typeof readChildren>): NodeId {
  const writer = new NodeWriter(TYPE.inner, children[0].level + 1);
  for (const { key, id, totals } of children) {
    writer.key(key, 128);
    writer.bytes(unhex(id));
    for (const n of [totals.entries, totals.files, totals.bytes, totals.links]) writer.number(n);
    writer.end(1);
  }
  return nodes.putNode(writer.take());
}

describe('blob/manifest: check beside trusted trees', () => {
  const flat = Array.from({ length: 3000 }, (_, i) => file(`f${String(i).padStart(5, '0')}`));
  const nodes = new MemoryNodes();
  const root = manifest.build(nodes, flat);
  const children = readChildren(treeHeader(nodes, root));

  it('takes the tree itself, and its nodes in a larger tree', () => {
    assert.equal(refusal(nodes, over(nodes, children), [root]), undefined);
    const larger = manifest.build(nodes, [...flat, ...Array.from({ length: 500 }, (_, i) => file(`g${i + 1000}`))]);
    assert.equal(refusal(nodes, larger, [root]), undefined);
  });

  it('refuses a trusted last node that is no longer last', () => {
    const more = manifest.build(nodes, [
      ...flat.slice(0, -1),
      file('x'),
      ...Array.from({ length: 400 }, (_, i) => file(`y${i + 1000}`)),
    ]);
    const tail = readChildren(treeHeader(nodes, more)).filter((c) => c.key > children[children.length - 1].key);
    assert.ok(tail.length > 0);
    assert.equal(refusal(nodes, over(nodes, [...children, ...tail]), [root]), 'integrity');
  });

  it('refuses a trusted node with something else inside its range', () => {
    const path = key(`${children[0].key}x`);
    const other = new MemoryNodes();
    const inside = manifest.build(other, [file(path)]);
    nodes.putNode(other.readNode(inside));
    const child = { key: path, id: inside, level: 0, totals: { entries: 1, files: 1, bytes: 0, links: 0 } };
    assert.equal(refusal(nodes, over(nodes, [children[0], child]), [root]), 'integrity');
  });

  it('refuses wrong totals over a trusted node', () => {
    const first = { ...children[0], totals: { ...children[0].totals, bytes: 1 } };
    assert.equal(refusal(nodes, over(nodes, [first, ...children.slice(1)]), [root]), 'integrity');
  });

  it('refuses trusted nodes whose folder or first link is gone', () => {
    const entries = [
      dir('a'),
      ...Array.from({ length: 2000 }, (_, i) => file(`a\0${i + 1000}`)),
      file('b', { linkGroup: key('b') }),
      ...Array.from({ length: 2000 }, (_, i) => file(`c${i + 1000}`)),
      file('d', { linkGroup: key('b') }),
    ];
    const good = manifest.build(nodes, entries);
    assert.equal(refusal(nodes, good), undefined);
    for (const gone of ['a', 'b']) {
      const bad = manifest.patch(nodes, nodes, good, [{ path: key(gone) }]);
      assert.equal(refusal(nodes, bad, [good]), 'integrity', gone);
    }
    const asFile = manifest.patch(nodes, nodes, good, [{ path: key('a'), after: file('a') }]);
    assert.equal(refusal(nodes, asFile, [good]), 'integrity');
  });

  it('takes every honest tree beside any other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1 << 30 }), fc.nat(1500), fc.nat(60), (seed, size, edits) => {
        const nodes = new MemoryNodes();
        const one = randomTree(seed, size, 'plain', nodes);
        const two = applied(one, randomChanges(seed, one, edits, 'plain'));
        const [a, b, other] = [one, two, randomTree(seed + 1, size, 'plain', nodes)].map((t) =>
          manifest.build(nodes, sorted(t)),
        );
        assert.equal(refusal(nodes, b, [other, a]), undefined);
        assert.equal(refusal(nodes, a, [b, other]), undefined);
      }),
      { numRuns: 25 },
    );
  });
});

describe('blob/manifest: hostile nodes cost little', () => {
  it('random bytes make no error but ours', () => {
    const nodes = new MemoryNodes();
    const header = fc
      .tuple(fc.constantFrom(1, 2), fc.nat(4), fc.nat(13), fc.nat(255), fc.nat(5))
      .map((b) => Uint8Array.from(b));
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
        const root = nodes.putNode(Buffer.concat([head, rest]));
        refusal(nodes, root);
        for (const read of [
          () => manifest.totals(nodes, root),
          () => manifest.find(nodes, root, keyOfText('a')),
          () => [...manifest.entries(nodes, root)],
          () => [...manifest.extents(nodes, { list: root })],
          () => [...manifest.reachable(nodes, root)],
          () => [...manifest.diff(nodes, root, manifest.build(nodes, []))],
        ]) {
          try {
            read();
          } catch (error) {
            assert.ok(error instanceof PlaitError, String(error));
          }
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('a list that names the same nodes over and over is looked at once', () => {
    const nodes = new MemoryNodes();
    // 1024^7 extents from eight nodes.
    const [leafList] = [
      randomExtents(randomFrom(1), 1200).map((e) => ({ ...e, length: 1, id: new Uint8Array(32).fill(255) })),
    ];
    const content = manifest.buildList(nodes, leafList);
    assert.ok('list' in content);
    let [id, length, extents] = [[...nodes.nodes.keys()][0], 1024, 1024];
    for (let level = 1; level < 5; level++) {
      const writer = new NodeWriter(TYPE.listInner, level);
      for (let i = 0; i < 1024; i++) {
        writer.room();
        writer.bytes(unhex(id));
        writer.number(length);
        writer.number(extents);
        writer.end(1);
      }
      id = nodes.putNode(writer.take());
      length *= 1024;
      extents *= 1024;
    }
    nodes.resetCounts();
    const root = manifest.build(nodes, [file('bomb', { size: length, content: { list: id } })]);
    refusal(nodes, root);
    assert.equal([...manifest.reachable(nodes, root)].length, 7);
    assert.ok(nodes.reads < 30, `${nodes.reads} read`);
  });

  it('a chain of inner nodes ends at the highest level', () => {
    const nodes = new MemoryNodes();
    let id = manifest.build(nodes, [file('a')]);
    const totals = { entries: 1, files: 1, bytes: 0, links: 0 };
    for (let level = 1; level <= 13; level++) id = over(nodes, [{ key: key('a'), id, level: level - 1, totals }]);
    assert.equal(refusal(nodes, id), 'integrity');
  });

  it('can be done in slices', () => {
    const nodes = new MemoryNodes();
    const root = manifest.build(nodes, sorted(randomTree(5, 5000, 'plain', nodes)));
    let slices = 0;
    for (const _ of manifest.checkSteps(nodes, root)) slices++;
    assert.ok(slices >= 20, `${slices} slices`);
  });

  it('never writes a node of more than 1 MiB', () => {
    const nodes = new MemoryNodes();
    const out = new TreeWriter(nodes);
    const target = new Uint8Array(4096).fill(97);
    for (let i = 0; i < 3000; i++) out.put({ ...link(`${String(i).padStart(4, '0')}${'n'.repeat(4000)}`), target });
    out.finish();
    for (const bytes of nodes.nodes.values()) assert.ok(bytes.length < 600_000, `${bytes.length} bytes`);
  });
});
