/** Reads back what a restore wrote, and compares it with the entries that it was made from. Changes nothing. */
import { closeSync, lstatSync, readlinkSync, readSync } from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import type { Content, Entry, Extent } from '../core/entry.ts';
import { KIND, objectHash } from '../core/hash.ts';
import type { PathKey } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { Beneath } from '../disk/beneath.ts';
import { fileStat, kindOfMode } from '../disk/file-stat.ts';
import { openNotFollowing } from '../disk/files.ts';
import { closeTimes } from '../disk/times.ts';
import type { Preserve } from './contract.ts';

export interface CompareOptions {
  dir: string;
  entries: () => Iterable<Entry>;
  preserve: readonly Preserve[];
  extents: (content: Content) => Iterable<Extent>;
  /** Paths that are known not to have been written. */
  except?: ReadonlySet<PathKey>;
  signal?: AbortSignal;
  onProgress?: (step: { items: number; bytes: number }) => void;
}

export interface Difference {
  path: PathKey;
  what: string;
  /** It could not be looked at: its own mode forbids it, say. */
  unseen: boolean;
}

export interface Compared {
  entries: number;
  bytes: number;
  differences: Difference[];
}

const MAX_DIFFERENCES = 10_000;

export async function compareRestored(options: CompareOptions): Promise<Compared> {
  using beneath = new Beneath(options.dir);
  const done: Compared = { entries: 0, bytes: 0, differences: [] };
  const firsts = new Map<PathKey, FileStat>();
  for (const entry of options.entries()) {
    options.signal?.throwIfAborted();
    if (options.except?.has(entry.path)) continue;
    const found = differenceOf(beneath, entry, firsts, options);
    done.entries++;
    done.bytes += entry.size;
    if (found !== undefined && done.differences.length < MAX_DIFFERENCES)
      done.differences.push({
        path: entry.path,
        unseen: false,
        ...(typeof found === 'string' ? { what: found } : found),
      });
    options.onProgress?.({ items: 1, bytes: entry.size });
    if (done.entries % 64 === 0 || entry.size > 2 ** 20) await tick();
  }
  return done;
}

function differenceOf(
  beneath: Beneath,
  entry: Entry,
  firsts: Map<PathKey, FileStat>,
  { preserve, extents }: CompareOptions,
): string | Pick<Difference, 'what' | 'unseen'> | undefined {
  try {
    const stat = fileStat(lstatSync(beneath.path(entry.path), { bigint: true }));
    const what = attributes(entry, stat, preserve) ?? links(entry, stat, firsts);
    if (what !== undefined) return what;
    if (entry.kind === 'symlink') return sameTarget(beneath, entry) ? undefined : 'it points elsewhere';
    if (entry.kind !== 'file') return undefined;
    return contentDiffers(beneath, entry, entry.content ? extents(entry.content) : []);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ENOENT') return 'it is not there';
    return { what: `it cannot be read (${code})`, unseen: code === 'EACCES' || code === 'EPERM' };
  }
}

const sameTarget = (beneath: Beneath, { path, target }: Entry): boolean =>
  target !== undefined && readlinkSync(beneath.path(path), { encoding: 'buffer' }).equals(target);

function attributes(entry: Entry, stat: FileStat, preserve: readonly Preserve[]): string | undefined {
  if (kindOfMode(stat.mode) !== entry.kind) return `it is no ${entry.kind}`;
  if (entry.kind === 'file' && stat.size !== entry.size) return `it has ${stat.size} bytes, not ${entry.size}`;
  const mask = preserve.includes('suid') ? 0o7777 : 0o777;
  if (entry.kind !== 'symlink' && (stat.mode & mask) !== (entry.mode & mask))
    return `its mode is ${(stat.mode & mask).toString(8)}, not ${(entry.mode & mask).toString(8)}`;
  if (entry.kind === 'file' && !closeTimes(entry.mtime, stat.mtimeNs)) return 'its time is another';
  const wantsOwner = preserve.includes('owner') && entry.uid !== undefined && entry.gid !== undefined;
  if (wantsOwner && (stat.uid !== entry.uid || stat.gid !== entry.gid)) return 'its owner is another';
  return undefined;
}

function links({ path, linkGroup }: Entry, stat: FileStat, firsts: Map<PathKey, FileStat>): string | undefined {
  if (linkGroup === undefined) return undefined;
  const first = firsts.get(linkGroup);
  if (first === undefined) firsts.set(linkGroup, stat);
  return first === undefined || first.ino === stat.ino ? undefined : `it is no longer the same file as ${path}`;
}

const PIECE = 256 * 1024;

function contentDiffers(beneath: Beneath, { path, size }: Entry, extents: Iterable<Extent>): string | undefined {
  const fd = openNotFollowing(beneath.path(path));
  try {
    let at = 0;
    for (const { length, id } of extents) {
      if (id ? !sameChunk(fd, at, length, id) : !zeros(fd, at, length)) return `its bytes from ${at} on are others`;
      at += length;
    }
    return at === size ? undefined : `the snapshot says ${size} bytes and lists ${at}`;
  } finally {
    closeSync(fd);
  }
}

function sameChunk(fd: number, at: number, length: number, id: Uint8Array): boolean {
  const bytes = readExactly(fd, at, length);
  return bytes !== undefined && objectHash(KIND.chunk, bytes).equals(id);
}

function zeros(fd: number, at: number, length: number): boolean {
  for (let done = 0; done < length; done += PIECE) {
    const bytes = readExactly(fd, at + done, Math.min(PIECE, length - done));
    if (bytes === undefined || bytes.some((byte) => byte !== 0)) return false;
  }
  return true;
}

function readExactly(fd: number, at: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const got = readSync(fd, bytes, done, length - done, at + done);
    if (got === 0) return undefined;
    done += got;
  }
  return bytes;
}
