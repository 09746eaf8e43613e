/**
 * Reading a file that others may be writing to. What is answered as `stored` is what the file held at one moment: its
 * stat after the last byte was read is the one it had before the first.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { PathKey } from '../core/paths.ts';
import { type FileStat, sameStat } from '../core/stat.ts';
import type { Beneath, OsPath } from './beneath.ts';
import { fileStat, kindOfMode } from './file-stat.ts';

const TRIES = 3;
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Kernels stamp files from a clock that ticks every 1-10 ms: a change within one tick need not show in the ctime. */
const TICK_MS = 20;

export type Lost = { status: 'changed' | 'vanished' | 'unreadable'; errno?: string };
export type StableRead =
  | { status: 'stored'; bytes: Buffer; stat: FileStat }
  /** It no longer fits what `allocate` gives. */
  | { status: 'grown'; stat: FileStat }
  | Lost;

export interface ReadOptions {
  /** Memory for a file of `size` bytes; undefined when that is more than the caller holds at once. */
  allocate: (size: number) => Buffer | undefined;
  /** For tests that change files at a given moment. */
  read?: typeof readSync;
  now?: () => number;
}

/** Opens for reading without following a link and without waiting for a pipe's writer. */
export const openToRead = (path: OsPath): number => openSync(path, FLAGS);
export const openForRead = (beneath: Beneath, path: PathKey): number => openToRead(beneath.path(path));

/** Reads a whole file. `expected` is the stat of the scan; a file that changed since is read again, up to 3 times. */
export function readStable(beneath: Beneath, path: PathKey, expected: FileStat, options: ReadOptions): StableRead {
  let wanted = expected;
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const fd = openForRead(beneath, path);
      try {
        if (attempt > 0) wanted = fileStat(fstatSync(fd, { bigint: true }));
        if (kindOfMode(wanted.mode) !== 'file') return { status: 'changed' };
        const bytes = options.allocate(wanted.size);
        if (bytes === undefined) return { status: 'grown', stat: wanted };
        waitOutTick(wanted, options.now);
        if (!readFully(fd, bytes, 0, options.read)) continue;
        const after = fileStat(fstatSync(fd, { bigint: true }));
        if (sameStat(after, wanted)) return { status: 'stored', bytes, stat: after };
      } finally {
        closeSync(fd);
      }
    }
    return { status: 'changed' };
  } catch (error) {
    return lostBy(error);
  }
}

/** Stat of a regular file as it is now. */
export function statForRead(beneath: Beneath, path: PathKey): { status: 'stored'; stat: FileStat } | Lost {
  try {
    const fd = openForRead(beneath, path);
    try {
      const stat = fileStat(fstatSync(fd, { bigint: true }));
      if (kindOfMode(stat.mode) !== 'file') return { status: 'changed' };
      waitOutTick(stat);
      return { status: 'stored', stat };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return lostBy(error);
  }
}

/**
 * Fills `into` from file offset `position`; `changed` unless the open file's stat is `expected` afterwards, as it is for
 * all parts of a big file that belong together.
 */
export function readPart(
  beneath: Beneath,
  path: PathKey,
  expected: FileStat,
  into: Buffer,
  position: number,
): { status: 'stored' } | Lost {
  try {
    const fd = openForRead(beneath, path);
    try {
      const whole = readFully(fd, into, position);
      const same = sameStat(fileStat(fstatSync(fd, { bigint: true })), expected);
      return { status: whole && same ? 'stored' : 'changed' };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return lostBy(error);
  }
}

function readFully(fd: number, into: Buffer, position: number, read: typeof readSync = readSync): boolean {
  for (let done = 0; done < into.length; ) {
    const n = read(fd, into, done, into.length - done, position + done);
    if (n === 0) return false;
    done += n;
  }
  return true;
}

/** A read that begins after the tick of the last change sees any later change in the ctime. */
function waitOutTick(stat: FileStat, now: () => number = Date.now): void {
  const age = now() - Number(stat.ctimeNs / 1_000_000n);
  if (age > -TICK_MS && age < TICK_MS)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK_MS - Math.max(0, age));
}

function lostBy(error: unknown): Lost {
  const errno = (error as NodeJS.ErrnoException | undefined)?.code;
  if (errno === undefined) throw error;
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { status: 'vanished' };
    // It is a link, a pipe, a device or a directory by now.
    case 'ELOOP':
    case 'ENXIO':
    case 'EISDIR':
    case 'EAGAIN':
      return { status: 'changed' };
    default:
      return { status: 'unreadable', errno };
  }
}
