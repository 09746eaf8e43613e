/** A working directory with an in-memory snapshot store: real files, real volume code, contents in a map. */
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Change, Content, Entry } from '../../src/core/entry.ts';
import { decodeEntry, encodeEntry } from '../../src/core/entry-codec.ts';
import type { FileResult, FileSource, FileTarget, StoredFile } from '../../src/core/files.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { keyOfText, type PathKey } from '../../src/core/paths.ts';
import { Beneath } from '../../src/disk/beneath.ts';
import { fileStat } from '../../src/disk/file-stat.ts';
import { Placer } from '../../src/disk/place.ts';
import type { BaseEntries, Changes, CheckoutOptions, Preserve, Volume } from '../../src/volume/contract.ts';
import { checkout, collectChanges, createVolume, openVolume } from '../../src/volume/index.ts';

export const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
type Tree = Map<PathKey, Uint8Array>;

/** What a file's content is to these tests: its hash where a list's id would be. */
export const contentOf = (bytes: Uint8Array): Content =>
  bytes.length === 0 ? { extents: new Uint8Array(0) } : { list: hash(bytes) as NodeId };

export class Lab implements Disposable {
  readonly top = fs.mkdtempSync(join(tmpdir(), 'plait-volume-'));
  readonly dir = join(this.top, 'work');
  readonly store = join(this.dir, '.plait');
  readonly #contents = new Map<string, Buffer>();
  readonly #trees = new Map<NodeId, Tree>();
  readonly id = randomBytes(16).toString('hex');
  volume: Volume;
  /** Paths that were read by the last comparison or look. */
  read: PathKey[] = [];
  /** Called for each file before it is read. */
  onRead: (source: FileSource) => void = () => {};
  /** Files that nobody may read. */
  unreadable = new Set<string>();
  /** Scans behave as if they began an hour from now, so that files just written count as old. False: the real clock. */
  later = true;
  /** Whether all files are asked for before the first result is given, as workers may do with small ones. */
  readAhead = false;

  constructor(preserve: Preserve[] = []) {
    fs.mkdirSync(this.store, { recursive: true });
    const volset = 'a'.repeat(32) as VolsetId;
    this.volume = createVolume({ store: this.store, dir: this.dir, id: this.id, volset, branch: null, preserve });
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.top, { recursive: true, force: true });
  }

  reopen(): Volume {
    this.volume = openVolume(this.store, this.id);
    return this.volume;
  }

  at(path: string): string {
    return join(this.dir, path);
  }

  write(path: string, text: string, mtime?: number): void {
    fs.mkdirSync(join(this.at(path), '..'), { recursive: true });
    fs.rmSync(this.at(path), { force: true });
    fs.writeFileSync(this.at(path), text);
    fs.utimesSync(this.at(path), mtime ?? 1_600_000_000, mtime ?? 1_600_000_000);
  }

  entries(root: NodeId | null): BaseEntries {
    const tree = root === null ? new Map<PathKey, Uint8Array>() : this.#trees.get(root)!;
    return () => [...tree].map(([path, bytes]) => ({ path, bytes }));
  }

  entry(root: NodeId, path: string): Entry | undefined {
    const key = keyOfText(path);
    const bytes = this.#trees.get(root)!.get(key);
    return bytes && decodeEntry(key, bytes);
  }

  paths(root: NodeId): string[] {
    return [...this.#trees.get(root)!.keys()].map((path) => path.replaceAll('\0', '/'));
  }

  /** Puts a tree together by hand. `bytes` of files by path. */
  tree(entries: Entry[], contents: Record<string, string> = {}): NodeId {
    for (const text of Object.values(contents)) this.#contents.set(hash(Buffer.from(text)), Buffer.from(text));
    return this.#keep(new Map(entries.map((entry) => [entry.path, encodeEntry(entry)])));
  }

  changes(signal?: AbortSignal): Changes {
    this.read = [];
    return collectChanges({
      volume: this.volume,
      baseEntries: this.entries(this.volume.state.baseRoot),
      ingest: (root, files) => this.ingest(root, files),
      ...(this.later && { startNs: () => BigInt(Date.now() + 3_600_000) * 1_000_000n }),
      signal,
    });
  }

  async list(changes: Changes): Promise<Change[]> {
    const all: Change[] = [];
    for await (const change of changes) all.push(change);
    return all;
  }

  /** `A path`, `M path` … for reading in assertions. */
  async status(): Promise<string[]> {
    return (await this.list(this.changes())).map(({ path, before, after }) => {
      const letter = !before ? 'A' : !after ? 'D' : before.kind === after.kind ? 'M' : 'T';
      return `${letter} ${path.replaceAll('\0', '/')}`;
    });
  }

  /** Like the command: changes, new tree, cache, base. */
  async snapshot(): Promise<NodeId> {
    const changes = this.changes();
    const { baseRoot } = this.volume.state;
    const tree: Tree = new Map(baseRoot === null ? [] : this.#trees.get(baseRoot)!);
    for (const { path, after } of await this.list(changes)) {
      if (after) tree.set(path, encodeEntry(after));
      else tree.delete(path);
    }
    const root = this.#keep(tree);
    changes.keepCache(root);
    this.volume.update({ base: snapshotOf(root), baseRoot: root });
    return root;
  }

  /** How a checkout of `root` is asked for, from what the volume's base says. */
  request(root: NodeId, more: Partial<CheckoutOptions> = {}): CheckoutOptions {
    const from = this.volume.state.baseRoot;
    return {
      volume: this.volume,
      changes: () => this.#diff(from, root),
      targetEntries: this.entries(root),
      target: { snapshot: snapshotOf(root), root, branch: null },
      extract: (dir, temp, files) => this.extract(dir, temp, files),
      ingest: (dir, files) => this.ingest(dir, files),
      ...more,
    };
  }

  checkout(root: NodeId, more: Partial<CheckoutOptions> = {}) {
    return checkout(this.request(root, more));
  }

  async *ingest(root: string, files: AsyncIterable<FileSource>): AsyncGenerator<StoredFile> {
    if (this.readAhead) yield* this.ingestNow(root, toAsync(await Array.fromAsync(files)));
    else yield* this.ingestNow(root, files);
  }

  async *ingestNow(root: string, files: AsyncIterable<FileSource>): AsyncGenerator<StoredFile> {
    using beneath = new Beneath(root);
    for await (const file of files) {
      this.onRead(file);
      this.read.push(file.path);
      yield this.#readOne(beneath, file.path);
    }
  }

  #readOne(beneath: Beneath, path: PathKey): StoredFile {
    if (this.unreadable.has(path.replaceAll('\0', '/'))) return { path, status: 'unreadable', errno: 'EACCES' };
    try {
      const fd = fs.openSync(beneath.path(path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
      const bytes = fs.readFileSync(fd);
      const stat = fileStat(fs.fstatSync(fd, { bigint: true }));
      fs.closeSync(fd);
      this.#contents.set(hash(bytes), bytes);
      return { path, status: 'stored', content: contentOf(bytes), stat };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return { path, status: code === 'ENOENT' ? 'vanished' : 'unreadable', errno: code };
    }
  }

  async *extract(root: string, tempDir: string, files: Iterable<FileTarget>): AsyncGenerator<FileResult> {
    using placer = new Placer(root, tempDir);
    for (const file of files) {
      try {
        const bytes = 'list' in file.content ? this.#contents.get(file.content.list)! : new Uint8Array(0);
        yield { path: file.path, status: 'written', stat: placer.writeFile(file, [bytes]) };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        yield { path: file.path, status: 'failed', errno: code, message };
      }
    }
  }

  *#diff(from: NodeId | null, to: NodeId): Generator<Change> {
    const before: Tree = from === null ? new Map() : this.#trees.get(from)!;
    const after = this.#trees.get(to)!;
    for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
      const [a, b] = [before.get(path), after.get(path)];
      if (a && b && Buffer.compare(a, b) === 0) continue;
      yield { path, ...(a && { before: decodeEntry(path, a) }), ...(b && { after: decodeEntry(path, b) }) };
    }
  }

  #keep(tree: Tree): NodeId {
    const sorted: Tree = new Map([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
    const sum = createHash('sha256');
    for (const [path, bytes] of sorted) sum.update(path, 'latin1').update('\0\0').update(bytes);
    const root = sum.digest('hex') as NodeId;
    this.#trees.set(root, sorted);
    return root;
  }
}

export const snapshotOf = (root: NodeId): SnapshotId => hash(Buffer.from(root)) as SnapshotId;

/** Everything below `dir` but `.plait`, as lines to compare: kind, mode, mtime (µs), link identity, content. */
export function picture(dir: string): string[] {
  const lines: string[] = [];
  const inodes = new Map<bigint, string>();
  const walk = (relative: Buffer): void => {
    const here = Buffer.concat([Buffer.from(`${dir}/`), relative]);
    for (const name of fs.readdirSync(here, { encoding: 'buffer' }).sort(Buffer.compare)) {
      if (relative.length === 0 && name.toString() === '.plait') continue;
      const child = relative.length === 0 ? name : Buffer.concat([relative, Buffer.from('/'), name]);
      const full = Buffer.concat([Buffer.from(`${dir}/`), child]);
      const stat = fs.lstatSync(full, { bigint: true });
      const shown = child.toString('latin1');
      const mode = (Number(stat.mode) & 0o7777).toString(8);
      if (stat.isDirectory()) {
        lines.push(`d ${mode} ${shown}`);
        walk(child);
      } else if (stat.isSymbolicLink()) {
        lines.push(`l ${shown} -> ${fs.readlinkSync(full, { encoding: 'buffer' }).toString('latin1')}`);
      } else {
        const twin = stat.nlink > 1n ? (inodes.get(stat.ino) ?? shown) : '';
        if (stat.nlink > 1n && !inodes.has(stat.ino)) inodes.set(stat.ino, shown);
        lines.push(`f ${mode} ${stat.mtimeNs / 1_000_000n} ${twin} ${shown} ${hash(fs.readFileSync(full))}`);
      }
    }
  };
  walk(Buffer.alloc(0));
  return lines;
}

async function* toAsync<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}
