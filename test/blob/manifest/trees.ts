/** Random trees from a seed, legal by construction, shaped to reach every way in which a node can end. */

import { keyHash } from '../../../src/blob/manifest/format.ts';
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { Change, Content, Entry, Extent } from '../../../src/core/entry.ts';
import { encodeExtents, MAX_CHUNK } from '../../../src/core/extents.ts';
import { nameFault } from '../../../src/core/names.ts';
import { isWithin, joinKey, type PathKey, parentKey, ROOT } from '../../../src/core/paths.ts';
import type { MemoryNodes } from './memory.ts';

/** An empty file. */
export const fileAt = (path: PathKey, more: Partial<Entry> = {}): Entry => ({
  path,
  kind: 'file',
  mode: 0o644,
  mtime: 1n,
  size: 0,
  content: { extents: new Uint8Array(0) },
  ...more,
});

export const dirAt = (path: PathKey): Entry => ({ path, kind: 'dir', mode: 0o755, mtime: 0n, size: 0 });

/** Uniform numbers below `n` (xorshift32). */
export function randomFrom(seed: number): (n: number) => number {
  let x = (seed * 2654435761 + 1) | 0 || 1;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
}

const ODD_NAMES = [
  '__proto__',
  'constructor',
  '\xff\xfe',
  '\xc3',
  'a b',
  'A',
  'a',
  '-',
  '\x01',
  'a.',
  '\x7f',
  'hasOwnProperty',
];

export type Shape = 'plain' | 'heavy' | 'no-boundary' | 'every-boundary';

export function randomExtents(random: (n: number) => number, count: number): Extent[] {
  const list: Extent[] = [];
  for (let i = 0; i < count; i++) {
    if (random(20) === 0) list.push({ length: MAX_CHUNK * (1 + random(5)) });
    const id = new Uint8Array(32);
    for (let b = 0; b < 8; b++) id[b] = random(256);
    list.push({ length: 1 + random(MAX_CHUNK), id });
  }
  return list;
}

function contentOf(
  random: (n: number) => number,
  shape: Shape,
  nodes?: MemoryNodes,
): { content: Content; size: number } {
  const long = nodes !== undefined && random(150) === 0;
  const extents = randomExtents(random, long ? 66 + random(900) : shape === 'heavy' ? 30 : random(3)).slice(
    0,
    long ? 2000 : 60,
  );
  const size = extents.reduce((sum, e) => sum + e.length, 0);
  return { content: long ? manifest.buildList(nodes, extents) : { extents: encodeExtents(extents) }, size };
}

function randomEntry(random: (n: number) => number, path: PathKey, shape: Shape, nodes?: MemoryNodes): Entry {
  const mtime = BigInt(random(1000)) * 1_000_000_007n - 5n;
  const owner = random(5) === 0 ? { uid: random(70000), gid: 0 } : {};
  const kind = random(shape === 'heavy' ? 2 : 12);
  if (kind === 0)
    return {
      path,
      kind: 'symlink',
      mode: 0,
      mtime,
      size: 0,
      target: new Uint8Array(shape === 'heavy' ? 4000 : 5).fill(98),
    };
  return { path, kind: 'file', mode: random(0o10000), mtime, ...owner, ...contentOf(random, shape, nodes) };
}

const dirEntry = (path: PathKey): Entry => ({ path, kind: 'dir', mode: 0o755, mtime: 0n, size: 0 });
const ends = (level: number, key: string): boolean => (keyHash(level, key) & 127) === 0;

function nameFor(random: (n: number) => number, folder: PathKey, shape: Shape): string {
  for (;;) {
    const odd = random(10) === 0 ? ODD_NAMES[random(ODD_NAMES.length)] : '';
    const name = `${odd}${random(1 << 20).toString(36)}`;
    const key = joinKey(folder, name);
    if (nameFault(name)) continue;
    if (shape === 'no-boundary' && ends(0, key)) continue;
    if (shape === 'every-boundary' && !ends(0, key)) continue;
    return name;
  }
}

export function sorted(tree: Map<PathKey, Entry>): Entry[] {
  return [...tree.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `nodes` takes lists of long files; without it all files are short. */
export function randomTree(seed: number, count: number, shape: Shape, nodes?: MemoryNodes): Map<PathKey, Entry> {
  const random = randomFrom(seed);
  const tree = new Map<PathKey, Entry>();
  const folders: PathKey[] = [ROOT];
  for (let i = 0; i < count; i++) {
    const folder = folders[random(folders.length)];
    const path = joinKey(folder, nameFor(random, folder, shape));
    if (random(30) === 0) {
      if (!tree.has(path)) folders.push(path);
      tree.set(path, tree.get(path) ?? dirEntry(path));
    } else if (!tree.has(path)) tree.set(path, randomEntry(random, path, shape, nodes));
  }
  return link(random, tree);
}

/** Puts some neighbouring files into link groups. */
function link(random: (n: number) => number, tree: Map<PathKey, Entry>): Map<PathKey, Entry> {
  const files = sorted(tree).filter((e) => e.kind === 'file');
  for (let i = 0; i + 1 < files.length; i += 1 + random(400)) {
    if (random(3) > 0) continue;
    const group = files[i].path;
    tree.set(group, { ...files[i], linkGroup: group });
    tree.set(files[i + 1].path, { ...files[i], path: files[i + 1].path, linkGroup: group });
    i++;
  }
  return tree;
}

/** Some legal edits: changed, added and removed files, removed folders with all that they hold. In path order. */
export function randomChanges(seed: number, tree: Map<PathKey, Entry>, count: number, shape: Shape): Change[] {
  const random = randomFrom(seed ^ 0x5bd1e995);
  const changes = new Map<PathKey, Change>();
  const entries = sorted(tree);
  const groups = new Set(entries.map((e) => e.linkGroup));
  for (let i = 0; i < count; i++) {
    const at = entries.length === 0 ? undefined : entries[random(entries.length)];
    const what = random(10);
    if (at && changes.has(at.path)) continue;
    if (!at || what < 3) {
      const folder = at?.kind === 'dir' ? at.path : at ? parentKey(at.path) : ROOT;
      if ([...changes.values()].some((c) => !c.after && isWithin(folder, c.path) && c.path !== ROOT)) continue;
      const path = joinKey(folder, nameFor(random, folder, shape));
      changes.set(path, { path, before: tree.get(path), after: randomEntry(random, path, 'plain') });
      if (tree.get(path)?.kind === 'dir' || tree.get(path)?.linkGroup) changes.delete(path);
    } else if (at.linkGroup !== undefined || groups.has(at.path)) continue;
    else if (at.kind !== 'dir') {
      const after = what < 6 ? undefined : { ...at, mtime: at.mtime + 1n };
      changes.set(at.path, { path: at.path, before: at, after });
    } else if (random(10) === 0) removeFolder(changes, entries, at.path);
  }
  return [...changes.values()].filter((c) => c.before || c.after).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function removeFolder(changes: Map<PathKey, Change>, entries: Entry[], folder: PathKey): void {
  const below = entries.filter((e) => isWithin(e.path, folder));
  const inside = new Set(below.map((e) => e.path));
  // A link group that reaches out of the folder would lose its first member.
  const groups = new Set(below.map((e) => e.linkGroup).filter((g) => g !== undefined));
  if (entries.some((e) => e.linkGroup !== undefined && groups.has(e.linkGroup) && !inside.has(e.path))) return;
  for (const path of [...changes.keys()]) if (isWithin(path, folder)) changes.delete(path);
  for (const e of below) changes.set(e.path, { path: e.path, before: e });
}

export function applied(tree: Map<PathKey, Entry>, changes: Change[]): Map<PathKey, Entry> {
  const result = new Map(tree);
  for (const { path, after } of changes) {
    if (after) result.set(path, after);
    else result.delete(path);
  }
  return result;
}

/** Entry without views, for comparisons. */
export const plain = (entry: Entry | undefined): unknown =>
  entry && {
    ...entry,
    mtime: String(entry.mtime),
    content:
      entry.content &&
      ('list' in entry.content ? entry.content.list : Buffer.from(entry.content.extents).toString('hex')),
    target: entry.target && Buffer.from(entry.target).toString('hex'),
  };
