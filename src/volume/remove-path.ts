/** Removes one path of a working directory: a file, a link or an empty directory. Never follows a link on the way. */
import type { PathKey } from '../core/paths.ts';
import { Beneath } from '../disk/beneath.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { Placer } from '../disk/place.ts';

export type Removed = 'removed' | 'absent' | 'not-empty' | 'unsaved';

/** `isSaved`: whether a snapshot holds what lies there; asked once, and only where something does. */
export function removePath(dir: string, path: PathKey, isSaved: (path: PathKey) => boolean): Removed {
  using beneath = new Beneath(dir);
  using placer = new Placer(dir, dir, beneath);
  const stat = placer.stat(path);
  if (stat === undefined) return 'absent';
  if (!isSaved(path)) return 'unsaved';
  if (kindOfMode(stat.mode) !== 'dir') {
    placer.unlink(path);
    return 'removed';
  }
  try {
    placer.rmdir(path);
    return 'removed';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return 'not-empty';
    throw error;
  }
}
