/** Whether a working directory is still where it was. */
import { statSync } from 'node:fs';
import { PlaitError } from '../core/errors.ts';
import type { Volume } from '../volume/contract.ts';
import { findVolume } from '../volume/index.ts';

/**
 * Throws `not-found` where the directory is gone, or another one took its place: nothing of that may go into a snapshot.
 * A directory that cannot be entered for the moment is still there.
 */
export function requirePlace({ state: { dir, id } }: Volume): void {
  try {
    statSync(dir);
    if (findVolume(dir, { looks: true })?.volume.state.id === id) return;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['EACCES', 'EPERM', 'EIO', 'forbidden'].includes(code)) return;
    if (!['ENOENT', 'ENOTDIR', 'not-found'].includes(code)) throw error;
  }
  throw new PlaitError('not-found', `the working directory ${dir} is gone: it was removed, moved or unmounted`, {
    hint: 'put it back, or run plait where it is now; its snapshots are in the store as they were',
  });
}
