/** The working directory itself: the tree has no entry for it, so its mode and mtime travel in the snapshot's body. */
import { statSync } from 'node:fs';
import type { TopDirectory } from '../core/records.ts';
import { setMode, setTimes } from '../disk/files.ts';
import { utimeOf } from '../disk/times.ts';
import { errnoOf } from './problems.ts';

export function readTop(dir: string): TopDirectory {
  const { mode, mtimeNs } = statSync(dir, { bigint: true });
  return { mode: Number(mode & 0o777n), mtime: mtimeNs.toString() };
}

/**
 * The mode only where nobody has chosen another one since: it is `before`'s, or there was no snapshot before. In a
 * directory of another user neither is ours to set, and nothing depends on it.
 */
export function setTop(dir: string, top: TopDirectory, before: TopDirectory | undefined, isNew: boolean): void {
  try {
    const found = readTop(dir);
    const isOurs = isNew || found.mode === before?.mode;
    const time = utimeOf(BigInt(top.mtime));
    setTimes(dir, time);
    const bits = statSync(dir).mode & 0o7000;
    if (isOurs && found.mode !== top.mode) setMode(dir, bits | top.mode);
  } catch (error) {
    if (!['EPERM', 'EACCES', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
}
