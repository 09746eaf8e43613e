/** The stat cache after a checkout: what was written as it is found now, the rest as it was known before. */
import { join } from 'node:path';
import { copyOf } from '../core/bytes.ts';
import type { Change } from '../core/entry.ts';
import { decodeEntry } from '../core/entry-codec.ts';
import type { NodeId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import type { Placer } from '../disk/place.ts';
import { closeTimes } from '../disk/times.ts';
import { CACHE_NAME } from './cache-session.ts';
import type { Steps } from './checkout-steps.ts';
import type { BaseEntries } from './contract.ts';
import { type BaseCursor, CacheReader, CacheWriter, FLAG, moveCache } from './stat-cache.ts';
import type { Work } from './work.ts';

export interface NewCache {
  stateDir: string;
  old: BaseCursor;
  targetEntries: BaseEntries;
  work: Work;
  resume: boolean;
  steps: Steps;
  placer: Placer;
}

/** A file whose mtime was set this far back (ns) shows any later write by its mtime alone. */
const CLEARLY_OLDER = 2_000_000_000n;

/** Writes the cache under a temporary name and returns how to put it in place for `root`. */
export function buildCache(options: NewCache): { keep: (root: NodeId) => void; abandon: () => void } {
  const writer = new CacheWriter(join(options.stateDir, 'stat.new'));
  try {
    writeRecords(options, writer);
  } catch (error) {
    writer.abandon();
    throw error;
  }
  return {
    keep(root) {
      writer.finish(root);
      moveCache(writer.path, join(options.stateDir, CACHE_NAME));
    },
    abandon: () => writer.abandon(),
  };
}

function writeRecords(options: NewCache, writer: CacheWriter): void {
  const { old, targetEntries, work, steps, placer } = options;
  const changes = work.changes();
  let change = changes.next();
  let hasOld = old.next();
  for (const { path, bytes } of targetEntries()) {
    while (!change.done && change.value.path < path) change = changes.next();
    while (hasOld && old.path < path) hasOld = old.next();
    if (!change.done && change.value.path === path) {
      putTouched(change.value, bytes, options, writer);
      continue;
    }
    if (bytes[0] === 2 && steps.dirs.isTouched(path)) steps.dirs.setTimeLater(decodeEntry(path, bytes));
    if (bytes[0] === 2 && (steps.dirs.wantsMode(path) || (options.resume && wasOpenedUp(path, bytes, placer)))) {
      steps.dirs.setModeLater(decodeEntry(path, copyOf(bytes)));
    }
    const known = hasOld && old.path === path && old instanceof CacheReader && Buffer.compare(old.entry(), bytes) === 0;
    if (known) writer.copy((old as CacheReader).record());
    else writer.put(path, 0, undefined, bytes);
  }
}

/** A checkout that was cut off left a closed directory open for writing. */
function wasOpenedUp(path: PathKey, bytes: Uint8Array, placer: Placer): boolean {
  const wanted = decodeEntry(path, bytes).mode & 0o777;
  const stat = placer.stat(path);
  return stat !== undefined && (stat.mode & 0o777) !== wanted && (stat.mode & 0o777) === (wanted | 0o700);
}

function putTouched({ path, before }: Change, bytes: Uint8Array, options: NewCache, writer: CacheWriter): void {
  const { steps, placer } = options;
  const stat = placer.stat(path);
  if (steps.faults.failed.has(path)) {
    // What is there now (nothing, or the base's file) stands for the entry until a later checkout succeeds or somebody
    // changes it. Anything else that is there is somebody's own, and shows as an edit.
    const ours = stat === undefined || (before !== undefined && steps.faults.failed.get(path) !== 'EEXIST');
    writer.put(path, ours ? FLAG.held | (stat ? FLAG.trusted : 0) : 0, ours ? stat : undefined, bytes);
    return;
  }
  const kind = bytes[0];
  if (kind === 2) {
    const entry = decodeEntry(path, bytes);
    const isDir = stat !== undefined && kindOfMode(stat.mode) === 'dir';
    // As it will be when modes and times are set.
    const mode = isDir ? 0o40000 | steps.dirs.dirMode(entry, stat.mode) : 0;
    writer.put(path, 0, isDir ? { ...stat, mode, mtimeNs: entry.mtime || stat.mtimeNs } : undefined, bytes);
    return;
  }
  writer.put(path, stat && isAsWritten(path, bytes, stat, options) ? FLAG.trusted : 0, stat, bytes);
}

/** True when the stat shows what this checkout wrote, and any edit from now on would show too. */
function isAsWritten(path: PathKey, bytes: Uint8Array, stat: FileStat, { steps, work }: NewCache): boolean {
  if (stat.mtimeNs > stat.ctimeNs - CLEARLY_OLDER) return false;
  const entry = decodeEntry(path, bytes);
  // Every further name of an inode moves its ctime; the last one is kept with the first name.
  const known = work.linkedTo(entry) ?? path;
  if (steps.ctimes.get(known) !== stat.ctimeNs) return false;
  return entry.kind === 'file' && stat.size === entry.size && closeTimes(entry.mtime, stat.mtimeNs);
}
