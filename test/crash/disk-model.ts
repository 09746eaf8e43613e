/**
 * A file system in memory that knows what a power cut may take: what was written to a file since its last sync, and
 * names that were made, moved or removed since their folder's. Changes of SQLite are one durable step each.
 */
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { Random } from '../support/seed.ts';
import type { Change } from './tap.ts';

/** What an inode holds; never changed in place. */
interface Version {
  bytes: Buffer;
  wal?: Buffer;
  mode: number;
  /** Seconds; undefined: whatever it is. */
  mtime?: number;
}

interface Node {
  kind: 'file' | 'dir' | 'symlink';
  now: Version;
  /** As of its last sync; undefined before the first. */
  durable?: Version;
  names: Map<string, Node>;
  durableNames: Map<string, Node>;
}

/** A change of names, in one step. */
interface Naming {
  sets: { dir: Node; name: string; node: Node | undefined }[];
}

const raw = (path: string): Buffer => Buffer.from(path, 'latin1');
const EMPTY = Buffer.alloc(0);

const newNode = (kind: Node['kind'], now: Version): Node => ({
  kind,
  now,
  names: new Map(),
  durableNames: new Map(),
});

export class DiskModel {
  readonly root: string;
  readonly #top: Node;
  readonly #inodes = new Map<number, Node>();
  #pending: Naming[] = [];

  /** All that is below `root` now, and durable. */
  constructor(root: string) {
    this.root = root;
    this.#top = this.#read(root);
  }

  #read(path: string): Node {
    const stat = lstatSync(raw(path));
    const known = this.#inodes.get(stat.ino);
    if (known) return known;
    const kind = stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'symlink' : 'file';
    const bytes =
      kind === 'dir' ? EMPTY : kind === 'file' ? readFileSync(raw(path)) : readlinkSync(raw(path), 'buffer');
    const node = newNode(kind, { bytes, mode: stat.mode, mtime: stat.mtimeMs / 1000 });
    node.durable = node.now;
    this.#inodes.set(stat.ino, node);
    if (kind !== 'dir') return node;
    for (const name of readdirSync(raw(path), { encoding: 'latin1' })) {
      if (/-(shm|wal)$/.test(name)) continue;
      const child = this.#read(`${path}/${name}`);
      node.names.set(name, child);
      node.durableNames.set(name, child);
    }
    return node;
  }

  apply(change: Change): unknown {
    switch (change.op) {
      case 'create':
      case 'mkdir': {
        const node = newNode(change.op === 'mkdir' ? 'dir' : 'file', { bytes: EMPTY, mode: change.mode });
        return this.#made(change.path, change.ino, node);
      }
      case 'symlink': {
        const node = newNode('symlink', { bytes: raw(change.target), mode: 0o777 });
        // A link is made whole with its name.
        node.durable = node.now;
        return this.#made(change.path, change.ino, node);
      }
      case 'write':
        return this.#alter(change.ino, (was) => ({ ...was, bytes: patched(was.bytes, change.at, change.bytes) }));
      case 'truncate':
        return this.#alter(change.ino, (was) => ({ ...was, bytes: sized(was.bytes, change.length) }));
      case 'mode':
        return this.#alter(change.ino, (was) => ({ ...was, mode: change.mode }));
      case 'time':
        return this.#alter(change.ino, (was) => ({ ...was, mtime: change.mtime }));
      case 'sync':
        return this.#sync(change.ino);
      case 'rename': {
        const node = this.#at(change.from);
        if (this.#at(change.to) === node) return undefined;
        return this.#name([change.from, undefined], [change.to, node]);
      }
      case 'link':
        return this.#name([change.to, this.#at(change.from)]);
      case 'remove':
        return this.#name([change.path, undefined]);
      case 'commit':
        return this.#commit(change);
    }
  }

  #commit({ path, ino, main, wal }: Change & { op: 'commit' }): void {
    let node = this.#inodes.get(ino);
    if (node === undefined || this.#at(path) !== node) {
      node = newNode('file', { bytes: EMPTY, mode: 0o100600 });
      this.#made(path, ino, node);
    }
    node.now = { ...node.now, bytes: main, wal };
    node.durable = node.now;
  }

  #made(path: string, ino: number, node: Node): void {
    this.#inodes.set(ino, node);
    this.#name([path, node]);
  }

  #alter(ino: number, change: (was: Version) => Version): void {
    const node = this.#inodes.get(ino);
    if (node) node.now = change(node.now);
  }

  #sync(ino: number): void {
    const node = this.#inodes.get(ino);
    if (node === undefined) return;
    node.durable = node.now;
    if (node.kind !== 'dir') return;
    const stays: Naming[] = [];
    for (const naming of this.#pending) {
      if (naming.sets.some(({ dir }) => dir === node)) perform(naming, 'durableNames');
      else stays.push(naming);
    }
    this.#pending = stays;
  }

  #name(...sets: [path: string, node: Node | undefined][]): void {
    const naming: Naming = {
      sets: sets.map(([path, node]) => {
        const at = path.lastIndexOf('/');
        return { dir: this.#at(path.slice(0, at)) ?? fail(path), name: path.slice(at + 1), node };
      }),
    };
    perform(naming, 'names');
    this.#pending.push(naming);
  }

  #at(path: string): Node | undefined {
    let node: Node | undefined = this.#top;
    for (const name of path.slice(this.root.length).split('/')) if (name !== '') node = node?.names.get(name);
    return node;
  }

  /** As after a kill: the kernel has it all. */
  asKilled(): State {
    return stateOf(this.#top, (node) => node.now, 'names');
  }

  /** Something is not durable yet. */
  get hasPending(): boolean {
    return this.#pending.length > 0 || [...this.#inodes.values()].some((node) => node.now !== node.durable);
  }

  /** As a power cut may leave it: names and contents that no sync has covered are there, gone, or torn. */
  asCut(random: Random, fate: Fate): State {
    const kept = this.#pending.filter(() => (fate === 'lost' ? false : fate === 'torn' ? true : random.below(2) === 0));
    const before = new Map([...this.#inodes.values()].map((node) => [node, new Map(node.durableNames)]));
    for (const naming of kept) perform(naming, 'durableNames');
    const versions = new Map<Node, Version>();
    const versionOf = (node: Node): Version => {
      let version = versions.get(node);
      version ??= survivor(node, random, fate);
      versions.set(node, version);
      return version;
    };
    const state = stateOf(this.#top, versionOf, 'durableNames');
    for (const [node, names] of before) node.durableNames = names;
    return state;
  }
}

/** Of all that is not durable: nothing is left; names without their contents; or chance decides for each. */
export type Fate = 'lost' | 'torn' | 'mixed';

function survivor({ kind, now, durable }: Node, random: Random, fate: Fate): Version {
  if (kind !== 'file' || now === durable) return now;
  const was = durable?.bytes ?? EMPTY;
  if (fate === 'lost') return durable ?? { ...now, bytes: EMPTY };
  // Modes and times travel through the file system's journal, in order with the names; contents do not.
  const { length } = now.bytes;
  const kept = sharedStart(was, now.bytes);
  const half = kept + ((length - kept) >> 1);
  const torn = [
    now.bytes.subarray(0, kept),
    now.bytes.subarray(0, half),
    sized(now.bytes.subarray(0, kept), length),
    sized(now.bytes.subarray(0, half), length),
  ];
  if (fate === 'torn') return { ...now, bytes: torn[random.below(torn.length)] };
  const choice = random.below(torn.length + 2);
  if (choice === 0) return { ...now, bytes: was };
  return choice === 1 ? now : { ...now, bytes: torn[choice - 2] };
}

/** What was there before and was not written since cannot be torn. */
function sharedStart(a: Buffer, b: Buffer): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

function perform({ sets }: Naming, view: 'names' | 'durableNames'): void {
  for (const { dir, name, node } of sets) {
    if (node === undefined) dir[view].delete(name);
    else dir[view].set(name, node);
  }
}

const fail = (path: string): never => {
  throw new Error(`the model has no folder for ${path}`);
};

function patched(bytes: Buffer, at: number, more: Buffer): Buffer {
  const result = Buffer.alloc(Math.max(bytes.length, at + more.length));
  bytes.copy(result);
  more.copy(result, at);
  return result;
}

function sized(bytes: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length);
  bytes.copy(result);
  return result;
}

/** A tree to be written, parents first. */
export interface Item {
  path: string;
  kind: Node['kind'];
  version: Version;
  /** The path that it is another name of. */
  linkTo?: string;
}
export type State = Item[];

function stateOf(top: Node, versionOf: (node: Node) => Version, view: 'names' | 'durableNames'): State {
  const items: State = [];
  const first = new Map<Node, string>();
  const walk = (node: Node, path: string): void => {
    const linkTo = node.kind === 'dir' ? undefined : first.get(node);
    first.set(node, path);
    items.push({ path, kind: node.kind, version: versionOf(node), linkTo });
    for (const [name, child] of node[view])
      if (!first.has(child) || child.kind !== 'dir') walk(child, `${path}/${name}`);
  };
  walk(top, '');
  return items;
}

/** Puts a state in the place of what is at `root`. */
export function materialise(root: string, state: State): void {
  rmSync(root, { recursive: true, force: true });
  for (const { path, kind, version, linkTo } of state) {
    const at = raw(root + path);
    if (linkTo !== undefined) linkSync(raw(root + linkTo), at);
    else if (kind === 'dir') mkdirSync(at, { mode: 0o700 });
    else if (kind === 'symlink') symlinkSync(version.bytes, at);
    else {
      writeFileSync(at, version.bytes);
      if (version.wal && version.wal.length > 0) writeFileSync(raw(`${root}${path}-wal`), version.wal);
    }
  }
  for (const { path, kind, version, linkTo } of state.toReversed()) {
    const at = raw(root + path);
    if (linkTo !== undefined) continue;
    const { mode, mtime } = version;
    if (kind !== 'symlink') chmodSync(at, mode & 0o7777);
    if (mtime !== undefined) (kind === 'symlink' ? lutimesSync : utimesSync)(at, mtime, mtime);
  }
}
