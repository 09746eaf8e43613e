import assert from 'node:assert/strict';
import fc from 'fast-check';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { Change } from '../../src/core/entry.ts';
import type { Side } from '../../src/core/merge-entry.ts';
import { mergeTrees, type PathConflict } from '../../src/core/tree-merge.ts';
import { MemoryNodes } from '../blob/manifest/memory.ts';
import { type Choose, full, type Merged, naiveMerge, rootOf, type Tree, treeOf } from './tree-merge-oracle.ts';

const NONE: Tree = {};

interface Result extends Merged {
  root: string;
  records: PathConflict[];
}

/** Merges real manifests; the result has passed the check of what a peer sends. */
function merge(bases: Tree[], ours: Tree, theirs: Tree, choose: Choose = () => 'ours'): Result {
  const nodes = new MemoryNodes();
  const [o, t, ...from] = [ours, theirs, ...bases].map((tree) => rootOf(nodes, tree));
  const entries = (root: typeof o) => () => manifest.entries(nodes, root);
  const hasLinks = [o, t].some((root) => manifest.totals(nodes, root).links > 0);
  const items = [
    ...mergeTrees({
      bases: from.map((base) => ({
        ours: () => manifest.diff(nodes, base, o),
        theirs: () => manifest.diff(nodes, base, t),
      })),
      choose: ({ path }) => choose(path.replaceAll('\0', '/')),
      ...(hasLinks && { links: { bases: from.map(entries), ours: entries(o), theirs: entries(t) } }),
    }),
  ];
  const changes = items.flatMap(({ change }): Change[] => (change ? [change] : []));
  for (const { path, before } of changes) assert.deepEqual(before, manifest.find(nodes, o, path));
  const root = manifest.patch(nodes, nodes, o, changes);
  manifest.check(nodes, root);
  const records = items.flatMap(({ conflict }) => (conflict ? [conflict] : []));
  const conflicts = records.map(({ path }) => path.replaceAll('\0', '/')).sort();
  const texts = [...bases, ours, theirs].flatMap((tree) =>
    Object.values(full(tree)).map((text) => text.split(/[:@]/)[1]),
  );
  return { root, records, conflicts, tree: treeOf(nodes, root, texts) };
}

type Row = [what: string, base: Tree, ours: Tree, theirs: Tree, result: Tree, ...conflicts: string[]];

const SUB = { d: 'd', 'd/x': 'f:1', 'd/y': 'f:2' };

const TABLE: Row[] = [
  ['nothing changed', { a: 'f:1' }, { a: 'f:1' }, { a: 'f:1' }, { a: 'f:1' }],
  ['edit, same', { a: 'f:1' }, { a: 'f:2' }, { a: 'f:1' }, { a: 'f:2' }],
  ['same, edit', { a: 'f:1' }, { a: 'f:1' }, { a: 'f:2' }, { a: 'f:2' }],
  ['edits alike', { a: 'f:1' }, { a: 'f:2' }, { a: 'f:2' }, { a: 'f:2' }],
  ['edits apart', { a: 'f:1' }, { a: 'f:2' }, { a: 'f:3' }, { a: 'f:2' }, 'a'],
  ['delete, same', { a: 'f:1' }, {}, { a: 'f:1' }, {}],
  ['same, delete', { a: 'f:1' }, { a: 'f:1' }, {}, {}],
  ['delete, delete', { a: 'f:1' }, {}, {}, {}],
  ['edit, delete', { a: 'f:1' }, { a: 'f:2' }, {}, { a: 'f:2' }, 'a'],
  ['delete, edit', { a: 'f:1' }, {}, { a: 'f:2' }, {}, 'a'],
  ['delete, touch: a time is no edit', { a: 'f:1@5' }, {}, { a: 'f:1@6' }, {}],
  ['add, none', {}, { a: 'f:1' }, {}, { a: 'f:1' }],
  ['none, add', {}, {}, { a: 'f:1' }, { a: 'f:1' }],
  ['add alike', {}, { a: 'f:1' }, { a: 'f:1' }, { a: 'f:1' }],
  ['add alike at other times', {}, { a: 'f:1@5' }, { a: 'f:1@7' }, { a: 'f:1@7' }],
  ['add apart', {}, { a: 'f:1' }, { a: 'f:2' }, { a: 'f:1' }, 'a'],
  ['add with other modes', {}, { a: 'f:1:600' }, { a: 'f:1:644' }, { a: 'f:1:600' }, 'a'],
  ['edit, mode', { a: 'f:1' }, { a: 'f:2' }, { a: 'f:1:600' }, { a: 'f:2:600' }],
  ['mode, mode', { a: 'f:1' }, { a: 'f:1:700' }, { a: 'f:1:600' }, { a: 'f:1:700' }, 'a'],
  ['mode alike, edit', { a: 'f:1' }, { a: 'f:1:600' }, { a: 'f:2:600' }, { a: 'f:2:600' }],
  ['edits apart and a mode: no mixed files', { a: 'f:1' }, { a: 'f:2' }, { a: 'f:3:600' }, { a: 'f:2' }, 'a'],
  ['mode, delete', { a: 'f:1' }, { a: 'f:1:600' }, {}, { a: 'f:1:600' }, 'a'],
  ['times: one side', { a: 'f:1@5' }, { a: 'f:1@5' }, { a: 'f:1@3' }, { a: 'f:1@3' }],
  ['times: the later', { a: 'f:1@5' }, { a: 'f:1@6' }, { a: 'f:1@9' }, { a: 'f:1@9' }],
  ['edit, touch', { a: 'f:1@5' }, { a: 'f:2@6' }, { a: 'f:1@9' }, { a: 'f:2@9' }],
  ['symlink edit, same', { a: 'l:x' }, { a: 'l:y' }, { a: 'l:x' }, { a: 'l:y' }],
  ['symlink edits apart', { a: 'l:x' }, { a: 'l:y' }, { a: 'l:z' }, { a: 'l:y' }, 'a'],
  ['symlink delete, edit', { a: 'l:x' }, {}, { a: 'l:z' }, {}, 'a'],
  ['symlink add apart', {}, { a: 'l:x' }, { a: 'l:z' }, { a: 'l:x' }, 'a'],
  ['type change, same', { a: 'f:1' }, { a: 'l:x' }, { a: 'f:1' }, { a: 'l:x' }],
  ['type change, edit', { a: 'f:1' }, { a: 'l:x' }, { a: 'f:2' }, { a: 'l:x' }, 'a'],
  ['type change, delete', { a: 'f:1' }, { a: 'l:x' }, {}, { a: 'l:x' }, 'a'],
  ['type changes alike', { a: 'f:1' }, { a: 'l:x' }, { a: 'l:x' }, { a: 'l:x' }],
  ['file added, symlink added', {}, { a: 'f:1' }, { a: 'l:x' }, { a: 'f:1' }, 'a'],
  ['directories added alike', {}, { d: 'd', 'd/x': 'f:1' }, { d: 'd', 'd/y': 'f:2' }, SUB],
  [
    'directory mode, child edit',
    SUB,
    { ...SUB, d: 'd::700' },
    { ...SUB, 'd/x': 'f:9' },
    { d: 'd::700', 'd/x': 'f:9', 'd/y': 'f:2' },
  ],
  [
    'directory modes apart',
    SUB,
    { ...SUB, d: 'd::700' },
    { ...SUB, d: 'd::711', 'd/x': 'f:9' },
    { d: 'd::700', 'd/x': 'f:9', 'd/y': 'f:2' },
    'd',
  ],
  ['directory deleted, same', SUB, {}, SUB, {}],
  ['directory deleted twice', SUB, {}, {}, {}],
  ['directory deleted, its time moved', { d: 'd@1' }, {}, { d: 'd@2' }, {}],
  ['directory deleted, child added', SUB, {}, { ...SUB, 'd/n': 'f:3' }, { d: 'd', 'd/n': 'f:3' }],
  ['child added, directory deleted', SUB, { ...SUB, 'd/n': 'f:3' }, {}, { d: 'd', 'd/n': 'f:3' }],
  ['directory deleted, child edited', SUB, {}, { ...SUB, 'd/x': 'f:9' }, {}, 'd/x'],
  ['child edited, directory deleted', SUB, { ...SUB, 'd/x': 'f:9' }, {}, { d: 'd', 'd/x': 'f:9' }, 'd/x'],
  ['directory deleted, child deleted', SUB, {}, { d: 'd', 'd/x': 'f:1' }, {}],
  ['directory deleted, its mode changed', SUB, {}, { ...SUB, d: 'd::700' }, {}, 'd'],
  [
    'directory deleted, mode changed and child added',
    SUB,
    {},
    { ...SUB, d: 'd::700', 'd/n': 'f:3' },
    { d: 'd::700', 'd/n': 'f:3' },
  ],
  [
    'deep addition below what was deleted',
    { ...SUB, 'd/e': 'd' },
    {},
    { ...SUB, 'd/e': 'd', 'd/e/n': 'f:3' },
    { d: 'd', 'd/e': 'd', 'd/e/n': 'f:3' },
  ],
  ['directory -> file, same', SUB, { d: 'f:1' }, SUB, { d: 'f:1' }],
  ['same, directory -> file', SUB, SUB, { d: 'f:1' }, { d: 'f:1' }],
  ['directory -> file, child edited', SUB, { d: 'f:1' }, { ...SUB, 'd/x': 'f:9' }, { d: 'f:1' }, 'd'],
  ['child edited, directory -> file', SUB, { ...SUB, 'd/x': 'f:9' }, { d: 'f:1' }, { ...SUB, 'd/x': 'f:9' }, 'd'],
  ['directory -> file, child deleted', SUB, { d: 'f:1' }, { d: 'd', 'd/x': 'f:1' }, { d: 'f:1' }],
  ['directory -> file, child added', SUB, { d: 'f:1' }, { ...SUB, 'd/n': 'f:3' }, { d: 'f:1' }, 'd'],
  ['directory -> file, directory deleted', SUB, { d: 'f:1' }, {}, { d: 'f:1' }, 'd'],
  ['directory deleted, directory -> file', SUB, {}, { d: 'f:1' }, {}, 'd'],
  ['directory -> file, directory -> symlink', SUB, { d: 'f:1' }, { d: 'l:x' }, { d: 'f:1' }, 'd'],
  ['file -> directory, same', { d: 'f:1' }, SUB, { d: 'f:1' }, SUB],
  ['file -> directory, edit', { d: 'f:1' }, SUB, { d: 'f:2' }, SUB, 'd'],
  ['edit, file -> directory', { d: 'f:1' }, { d: 'f:2' }, SUB, { d: 'f:2' }, 'd'],
  ['delete, file -> directory', { d: 'f:1' }, {}, SUB, {}, 'd'],
  ['file -> directory, delete', { d: 'f:1' }, SUB, {}, SUB, 'd'],
  ['file -> directory on both sides', { d: 'f:1' }, { d: 'd', 'd/x': 'f:1' }, { d: 'd', 'd/y': 'f:2' }, SUB],
  ['file added, directory added', {}, { d: 'f:1' }, SUB, { d: 'f:1' }, 'd'],
  ['directory added, file added', {}, SUB, { d: 'f:1' }, SUB, 'd'],
  [
    'a sibling that sorts between',
    { ...SUB, 'd.x': 'f:1' },
    { 'd.x': 'f:2' },
    { ...SUB, 'd.x': 'f:1', 'd/n': 'f:3' },
    { d: 'd', 'd.x': 'f:2', 'd/n': 'f:3' },
  ],
];

const LINKED = { a: 'f:1=a', b: 'f:1=a', c: 'f:1=a' };

const LINKS: Row[] = [
  [
    'link, same',
    { a: 'f:1', b: 'f:1' },
    { a: 'f:1=a', b: 'f:1=a' },
    { a: 'f:1', b: 'f:1' },
    { a: 'f:1=a', b: 'f:1=a' },
  ],
  ['unlink, same', LINKED, { a: 'f:1=a', b: 'f:1=a', c: 'f:1' }, LINKED, { a: 'f:1=a', b: 'f:1=a', c: 'f:1' }],
  ['links to each of two', { a: 'f:1' }, { a: 'f:1=a', b: 'f:1=a' }, { a: 'f:1=a', c: 'f:1=a' }, LINKED],
  [
    'one edit for all names',
    LINKED,
    { a: 'f:2=a', b: 'f:2=a', c: 'f:2=a' },
    LINKED,
    { a: 'f:2=a', b: 'f:2=a', c: 'f:2=a' },
  ],
  [
    'first deleted, another linked',
    LINKED,
    { b: 'f:1=b', c: 'f:1=b' },
    { ...LINKED, d: 'f:1=a' },
    { b: 'f:1=b', c: 'f:1=b', d: 'f:1=b' },
  ],
  [
    'new first name',
    { b: 'f:1=b', c: 'f:1=b' },
    { a: 'f:1=a', b: 'f:1=a', c: 'f:1=a' },
    { b: 'f:1', c: 'f:2' },
    { a: 'f:1=a', b: 'f:1=a', c: 'f:2' },
  ],
  [
    'two leave, one by each side: the third is alone',
    LINKED,
    { a: 'f:1=a', b: 'f:2', c: 'f:1=a' },
    { a: 'f:1=a', b: 'f:1=a', c: 'f:3' },
    { a: 'f:1', b: 'f:2', c: 'f:3' },
  ],
  [
    'edited for all names, linked anew',
    LINKED,
    { a: 'f:2=a', b: 'f:2=a', c: 'f:2=a' },
    { ...LINKED, d: 'f:1=a' },
    { a: 'f:2=a', b: 'f:2=a', c: 'f:2=a', d: 'f:1' },
  ],
  ['symlinks', { a: 'l:x', b: 'l:x' }, { a: 'l:x=a', b: 'l:x=a' }, { a: 'l:x', b: 'l:y' }, { a: 'l:x', b: 'l:y' }],
  [
    'touched by one side, linked once more by the other: the later time',
    { b: 'f:1@5=b', c: 'f:1@5=b' },
    { b: 'f:1@9=b', c: 'f:1@9=b' },
    { a: 'f:1@5=a', b: 'f:1@5=a', c: 'f:1@5=a' },
    { a: 'f:1@9=a', b: 'f:1@9=a', c: 'f:1@9=a' },
  ],
  [
    'joined to one that the other side touched',
    { x: 'f:1@5=x', y: 'f:1@4', z: 'f:1@5=x' },
    { x: 'f:1@5=x', y: 'f:1@5=x', z: 'f:1@5=x' },
    { x: 'f:1@5=x', y: 'f:1@9', z: 'f:1@5=x' },
    { x: 'f:1@9=x', y: 'f:1@9=x', z: 'f:1@9=x' },
  ],
  [
    'a conflict parts none of the side that stands',
    LINKED,
    { a: 'f:2=a', b: 'f:2=a', c: 'f:2=a' },
    { a: 'f:1=a', b: 'f:1=a', c: 'f:3' },
    { a: 'f:2=a', b: 'f:2=a', c: 'f:2=a' },
    'c',
  ],
];

const other = (side: Side): Side => (side === 'ours' ? 'theirs' : 'ours');

function checkRow([what, base, ours, theirs, tree, ...conflicts]: Row): void {
  it(what, () => {
    const found = merge([base], ours, theirs);
    assert.deepEqual({ tree: found.tree, conflicts: found.conflicts }, { tree: full(tree), conflicts });
    const mirrored = merge([base], theirs, ours, () => 'theirs');
    assert.deepEqual([mirrored.root, mirrored.conflicts], [found.root, found.conflicts]);
    if (conflicts.length === 0) assert.equal(merge([base], theirs, ours).root, found.root);
  });
}

/** What can be at a path, and below it. */
const STATES: Tree[] = [
  NONE,
  { p: 'f:1@1' },
  { p: 'f:1@2' },
  { p: 'f:2@1' },
  { p: 'f:1:700@1' },
  { p: 'l:x' },
  { p: 'l:y' },
  { p: 'd@1' },
  { p: 'd::700@1' },
  { p: 'd@1', 'p/c': 'f:1' },
  { p: 'd@2', 'p/c': 'f:2' },
  { p: 'd@1', 'p/c': 'd', 'p/c/e': 'f:1' },
];

describe('merge of trees', () => {
  describe('the table', () => TABLE.forEach(checkRow));
  describe('hard links', () => LINKS.forEach(checkRow));

  it(`all ${STATES.length ** 3} triples of states of one path, as a naive merge has them, whoever is chosen`, () => {
    for (const base of STATES) {
      for (const ours of STATES) {
        for (const theirs of STATES) {
          for (const side of ['ours', 'theirs'] as const) {
            const { tree, conflicts } = merge([base], ours, theirs, () => side);
            const expected = naiveMerge([base], ours, theirs, () => side);
            assert.deepEqual({ tree, conflicts }, { ...expected }, JSON.stringify({ base, ours, theirs, side }));
          }
        }
      }
    }
  });

  it('a conflict tells where the path is, and who stands', () => {
    const { records } = merge([{ a: 'f:1' }, NONE], { a: 'f:2' }, {}, () => 'theirs');
    assert.deepEqual(records, [{ path: 'a', inBases: [true, false], inOurs: true, inTheirs: false, chosen: 'theirs' }]);
  });

  it('with the other side chosen, a directory comes and goes as a whole', () => {
    const ours = { d: 'd', 'd/a': 'f:1', 'd/b': 'd', 'd/b/c': 'f:2', e: 'f:7' };
    const theirs = { d: 'f:1', e: 'f:8' };
    const base = { d: 'd', 'd/b': 'd', 'd/old': 'f:5', e: 'f:7' };
    assert.deepEqual(merge([base], ours, theirs, () => 'theirs').tree, full(theirs));
    assert.deepEqual(merge([base], theirs, ours, () => 'theirs').tree, full({ ...ours, e: 'f:8' }));
  });

  describe('several bases', () => {
    it('a decision stands if each base leads to it', () => {
      const bases: Tree[] = [
        { a: 'f:1', b: 'f:1' },
        { a: 'f:1', b: 'f:1', c: 'f:1' },
      ];
      const found = merge(bases, { a: 'f:2', b: 'f:1', c: 'f:1' }, { a: 'f:1', c: 'f:1' });
      assert.deepEqual([found.tree, found.conflicts], [full({ a: 'f:2', c: 'f:1' }), []]);
    });

    it('is a conflict where they disagree', () => {
      const found = merge([{ a: 'f:1' }, { a: 'f:2' }], { a: 'f:1' }, { a: 'f:2' });
      assert.deepEqual([found.tree, found.conflicts], [full({ a: 'f:1' }), ['a']]);
      const gone = merge([SUB, NONE], SUB, NONE);
      assert.deepEqual([gone.tree, gone.conflicts], [full(SUB), ['d']]);
      assert.deepEqual(merge([SUB, NONE], SUB, NONE, () => 'theirs').tree, {});
    });

    it('takes the later time where they disagree', () => {
      const found = merge([{ a: 'f:1@1' }, { a: 'f:1@2' }], { a: 'f:1@1' }, { a: 'f:1@2' });
      assert.deepEqual([found.tree, found.conflicts], [full({ a: 'f:1@2' }), []]);
    });

    it('refuses bases of other trees', () => {
      const change = { path: 'a', after: { kind: 'dir' } } as never as Change;
      const none = () => [];
      const bases = [
        { ours: () => [change], theirs: none },
        { ours: none, theirs: none },
      ];
      assert.throws(() => [...mergeTrees({ bases, choose: () => 'ours' })], { code: 'unexpected' });
    });
  });

  describe('any trees', () => {
    const paths = fc.constantFrom('a', 'b', 'c', 'a/a', 'a/b', 'a/c', 'a.b', 'b/a', 'b/b', 'a/a/a', 'a/a/b', 'b/a/c');
    const items = fc.constantFrom('f:1', 'f:2', 'f:3', 'f:1:700', 'f:1@4', 'f:2@5', 'd', 'd::700', 'd@3', 'l:x', 'l:y');
    const edits = fc.array(fc.tuple(paths, fc.option(items, { freq: 3 })), { maxLength: 8 });
    const trees = fc.record({
      base: edits,
      others: fc.array(edits, { maxLength: 2 }),
      ours: edits,
      theirs: edits,
      alike: edits,
      seed: fc.nat(),
    });

    it('merge as the naive way does, and alike from either side', () => {
      fc.assert(
        fc.property(trees, ({ base, others, ours, theirs, alike, seed }) => {
          const b = edited(NONE, base);
          const bases = [b, ...others.map((more) => edited(b, more))];
          const both = edited(b, alike);
          const [o, t] = [edited(both, ours), edited(both, theirs)];
          const choose: Choose = (path) =>
            (path.length * 7 + path.charCodeAt(path.length - 1) + seed) % 2 ? 'ours' : 'theirs';
          const found = merge(bases, o, t, choose);
          assert.deepEqual({ tree: found.tree, conflicts: found.conflicts }, { ...naiveMerge(bases, o, t, choose) });
          const mirrored = merge(bases, t, o, (path) => other(choose(path)));
          assert.deepEqual([mirrored.root, mirrored.conflicts], [found.root, found.conflicts]);
          if (found.conflicts.length === 0) assert.equal(merge(bases, t, o, choose).root, found.root);
          checkNothingLost(b, o, t, found);
        }),
        { numRuns: 1500 },
      );
    });

    it('merge with hard links into sound groups, alike from either side', () => {
      const linkings = fc.array(fc.tuple(paths, paths), { maxLength: 4 });
      fc.assert(
        fc.property(trees, linkings, linkings, linkings, ({ base, ours, theirs }, lb, lo, lt) => {
          const b = linked(edited(NONE, base), lb);
          const [o, t] = [linked(edited(b, ours), lo), linked(edited(b, theirs), lt)];
          const found = merge([b], o, t);
          checkGroups(found.tree, o, t);
          const mirrored = merge([b], t, o, () => 'theirs');
          assert.deepEqual([mirrored.root, mirrored.conflicts], [found.root, found.conflicts]);
          assert.equal(merge([b], o, b).root, merge([o], o, o).root);
        }),
        { numRuns: 1000 },
      );
    });
  });
});

/** `null` deletes with all below; the folders of what is set are made, whatever was there. */
function edited(tree: Tree, edits: [string, string | null][]): Tree {
  let next = { ...tree };
  const without = (path: string) =>
    Object.fromEntries(Object.entries(next).filter(([name]) => name !== path && !name.startsWith(`${path}/`)));
  for (const [path, item] of edits) {
    const names = path.split('/');
    for (let i = 1; i < names.length && item !== null; i++) {
      const folder = names.slice(0, i).join('/');
      if (!next[folder]?.startsWith('d')) next = { ...without(folder), [folder]: 'd' };
    }
    const keeps = item?.startsWith('d') && next[path]?.startsWith('d');
    if (!keeps) next = without(path);
    if (item !== null) next[path] = item;
  }
  return Object.fromEntries(Object.entries(next).map(([path, text]) => [path, text.split('=')[0]]));
}

/** Each second path becomes a further name of the first one's file. Groups of the tree before are kept where they still hold. */
function linked(tree: Tree, links: [string, string][]): Tree {
  const next = { ...tree };
  const group = new Map<string, string>();
  for (const [from, to] of links) {
    if (!next[from] || next[from].startsWith('d') || from === to || !next[to] || next[to].startsWith('d')) continue;
    next[to] = next[from];
    group.set(to, group.get(from) ?? from);
    group.set(from, group.get(from) ?? from);
  }
  const names = Map.groupBy(group.keys(), (path) => `${group.get(path)} ${next[path]}`);
  for (const members of names.values()) {
    const sorted = members.filter((path) => next[path]).sort(inPathOrder);
    if (sorted.length > 1) for (const path of sorted) next[path] = `${next[path].split('=')[0]}=${sorted[0]}`;
  }
  return next;
}

function inPathOrder(a: string, b: string): number {
  return a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1;
}

const groupOf = (tree: Tree, path: string): string | undefined => tree[path]?.split('=')[1];

function checkGroups(tree: Tree, ours: Tree, theirs: Tree): void {
  const groups = Map.groupBy(
    Object.keys(tree).filter((path) => groupOf(tree, path)),
    (path) => groupOf(tree, path),
  );
  for (const [name, members] of groups) {
    assert.equal(members.sort(inPathOrder)[0], name);
    assert.ok(members.length > 1, `${name} is alone`);
    assert.equal(new Set(members.map((path) => tree[path])).size, 1, `${members} differ`);
    const near = (path: string, side: Tree) =>
      groupOf(side, path) !== undefined && groupOf(side, path) === groupOf(side, name as string);
    for (const path of members)
      assert.ok(near(path, ours) || near(path, theirs), `${path} was nowhere linked to ${name}`);
  }
}

/** What a side changed is in the result, or at or below a conflict, or was as good as deleted by the other. */
function checkNothingLost(base: Tree, ours: Tree, theirs: Tree, { tree, conflicts }: Merged): void {
  const [b, o, t] = [full(base), full(ours), full(theirs)];
  const held = (text: string | undefined) => text?.replace(/@.*/, '').replace(/^(f:[^:]*):.*/, '$1');
  for (const [mine, path] of [o, t].flatMap((side) => Object.keys(side).map((path) => [side, path] as const))) {
    if (held(mine[path]) === held(b[path]) || !mine[path].startsWith('f')) continue;
    const isTold = conflicts.some((at) => path === at || path.startsWith(`${at}/`));
    assert.ok(isTold || held(tree[path]) === held(mine[path]), `${path} is lost`);
  }
}
