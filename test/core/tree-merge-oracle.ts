/**
 * Trees as plain maps, written in short (`{ 'a/b': 'f:text', c: 'd' }`), and a merge of such maps by recursion that
 * shares no code with the program: what the streaming one must agree with.
 */
import { manifest } from '../../src/blob/manifest/index.ts';
import type { Entry } from '../../src/core/entry.ts';
import { encodeExtents } from '../../src/core/extents.ts';
import { chunkId, unhex } from '../../src/core/hash.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { keyOfText } from '../../src/core/paths.ts';
import type { MemoryNodes } from '../blob/manifest/memory.ts';

/** `f` file, `d` directory, `l` symlink, then `:content`, `:mode` in octal, `@time`; `=path`: hard-linked to that one. */
export type Tree = Record<string, string>;
export type Choose = (path: string) => 'ours' | 'theirs';

const FORM = /^([fdl])(?::([^:@=]*))?(?::([0-7]+))?(?:@(\d+))?(?:=(.+))?$/;
/** Far more than two names of one file may differ by. */
const TICK = 1_000_000n;
const KIND = { f: 'file', d: 'dir', l: 'symlink' } as const;

export function entryOf(path: string, text: string): Entry {
  const [, kind, held = '', mode, time, group] = FORM.exec(text) as unknown as [string, 'f' | 'd' | 'l', ...string[]];
  const entry: Entry = { path: keyOfText(path), kind: KIND[kind], mode: 0, mtime: BigInt(time ?? 0) * TICK, size: 0 };
  if (kind !== 'l') entry.mode = mode ? Number.parseInt(mode, 8) : kind === 'f' ? 0o644 : 0o755;
  if (kind === 'l') entry.target = Buffer.from(held || 'nowhere');
  if (kind === 'f') {
    const bytes = Buffer.from(held);
    entry.size = bytes.length;
    const extents = bytes.length > 0 ? [{ length: bytes.length, id: unhex(chunkId(bytes)) }] : [];
    entry.content = { extents: encodeExtents(extents) };
  }
  if (group) entry.linkGroup = keyOfText(group);
  return entry;
}

export function rootOf(nodes: MemoryNodes, tree: Tree): NodeId {
  const entries = Object.entries(tree).map(([path, text]) => entryOf(path, text));
  return manifest.build(
    nodes,
    entries.sort((a, b) => (a.path < b.path ? -1 : 1)),
  );
}

/** The tree in full form, to be compared with; `contents` are all texts that occur. */
export function treeOf(nodes: MemoryNodes, root: NodeId, contents: Iterable<string>): Tree {
  const names = new Map([...contents].map((text) => [chunkId(Buffer.from(text)) as string, text]));
  const tree: Tree = {};
  for (const entry of manifest.entries(nodes, root)) {
    const [extent] = entry.content ? manifest.extents(nodes, entry.content) : [];
    const held = entry.target ? Buffer.from(entry.target).toString() : names.get(extent?.id ? hexOf(extent.id) : '');
    const group = entry.linkGroup?.replaceAll('\0', '/');
    const mode = entry.kind === 'symlink' ? '' : `:${entry.mode.toString(8)}`;
    const letter = entry.kind === 'file' ? 'f' : entry.kind === 'dir' ? 'd' : 'l';
    tree[entry.path.replaceAll('\0', '/')] =
      `${letter}:${held ?? ''}${mode}@${entry.mtime / TICK}${group ? `=${group}` : ''}`;
  }
  return tree;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A tree in the form that treeOf writes. */
export function full(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([path, text]) => {
      const [, kind, held = '', mode, time = '0', group] = FORM.exec(text) as unknown as string[];
      const bits = kind === 'l' ? '' : `:${mode ?? (kind === 'f' ? '644' : '755')}`;
      return [path, `${kind}:${held || (kind === 'l' ? 'nowhere' : '')}${bits}@${time}${group ? `=${group}` : ''}`];
    }),
  );
}

interface Item {
  kind: string;
  held: string;
  mode: string;
  time: number;
}

function itemOf(tree: Tree, path: string): Item | undefined {
  if (!Object.hasOwn(tree, path)) return undefined;
  const [, kind, held, mode = '', time] = FORM.exec(full(tree)[path]) as unknown as string[];
  return { kind, held, mode, time: Number(time) };
}

const textOf = ({ kind, held, mode, time }: Item): string => `${kind}:${held}${mode && `:${mode}`}@${time}`;
const alike = (a: Item | undefined, b: Item | undefined): boolean =>
  a === b || (!!a && !!b && a.kind === b.kind && a.held === b.held && a.mode === b.mode);

const BOTH = 'both changed it';

/** One path on its own. */
function one(bases: (Item | undefined)[], o: Item | undefined, t: Item | undefined): Item | undefined | typeof BOTH {
  if (!o || !t || o.kind !== t.kind) {
    if (bases.every((b) => alike(b, t))) return o;
    return bases.every((b) => alike(b, o) && !alike(b, t)) ? t : BOTH;
  }
  const pick = (field: 'held' | 'mode' | 'time'): string | number | undefined => {
    if (o[field] === t[field]) return o[field];
    const olds = bases.map((b) => (b && (field === 'time' || b.kind === o.kind) ? b[field] : Symbol(field)));
    if (olds.every((b) => b === t[field])) return o[field];
    return olds.every((b) => b === o[field]) ? t[field] : undefined;
  };
  const [held, mode] = [pick('held'), pick('mode')];
  if (held === undefined || mode === undefined) return BOTH;
  const time = pick('time') ?? Math.max(o.time, t.time);
  return { kind: o.kind, held: held as string, mode: mode as string, time: time as number };
}

export interface Merged {
  tree: Tree;
  conflicts: string[];
}

/** Without links. */
export function naiveMerge(bases: Tree[], ours: Tree, theirs: Tree, choose: Choose): Merged {
  const merged: Merged = { tree: {}, conflicts: [] };
  const put = (path: string, item: Item | undefined) => {
    if (item) merged.tree[path] = textOf(item);
  };
  const below = (tree: Tree, path: string) => Object.keys(tree).filter((name) => name.startsWith(`${path}/`));
  const copy = (tree: Tree, path: string) => {
    for (const name of [path, ...below(tree, path)]) put(name, itemOf(tree, name));
  };
  const children = (path: string) => {
    const depth = path === '' ? 0 : path.split('/').length;
    const inside = (name: string) =>
      (path === '' || name.startsWith(`${path}/`)) && name.split('/').length === depth + 1;
    return [...new Set([...Object.keys(ours), ...Object.keys(theirs)].filter(inside))];
  };
  const conflict = (path: string): 'ours' | 'theirs' => {
    merged.conflicts.push(path);
    return choose(path);
  };
  const whole = (path: string) => copy(conflict(path) === 'ours' ? ours : theirs, path);
  /** Is something in the result at or below the path? `clean`: and for no choice. */
  const visit = (path: string): { clean: boolean; any: boolean } => {
    const [o, t] = [itemOf(ours, path), itemOf(theirs, path)];
    const olds = bases.map((base) => itemOf(base, path));
    const found = o && t && textOf(o) === textOf(t) ? o : one(olds, o, t);
    const kinds = [o?.kind, t?.kind];
    if (!kinds.includes('d')) {
      if (found === BOTH) put(path, conflict(path) === 'ours' ? o : t);
      else put(path, found);
      return { clean: found !== BOTH && found !== undefined, any: Object.hasOwn(merged.tree, path) };
    }
    if (o && t && o.kind === t.kind) {
      put(path, found === BOTH ? (conflict(path) === 'ours' ? o : t) : found);
      for (const child of children(path)) visit(child);
      return { clean: true, any: true };
    }
    const [directory, tree, other] = o?.kind === 'd' ? [o, ours, t] : [t as Item, theirs, o];
    if (found === directory) {
      copy(tree, path);
      return { clean: true, any: true };
    }
    if (other) {
      const touched = below(tree, path).some((name) => {
        const item = itemOf(tree, name);
        const old = bases.map((base) => itemOf(base, name));
        return one(old, tree === ours ? item : undefined, tree === ours ? undefined : item) !== undefined;
      });
      if (found === BOTH || touched) whole(path);
      else put(path, other);
      return { clean: true, any: true };
    }
    if (found === BOTH && olds.some((old) => old?.kind !== 'd')) {
      whole(path);
      return { clean: false, any: Object.hasOwn(merged.tree, path) };
    }
    const results = children(path).map(visit);
    const clean = results.some((result) => result.clean);
    const needed = results.some((result) => result.any);
    const chosen = found === BOTH && !clean && (conflict(path) === 'ours' ? ours : theirs) === tree;
    if (clean || needed || chosen) put(path, directory);
    return { clean, any: Object.hasOwn(merged.tree, path) };
  };
  for (const child of children('')) visit(child);
  merged.conflicts.sort();
  return merged;
}
