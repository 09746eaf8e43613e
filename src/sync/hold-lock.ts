/**
 * The lock of a working directory. It is the operating system's and goes with the process, so a kill leaves nothing to
 * clean up.
 */
import { join } from 'node:path';
import { type FileLock, takeFileLock, tryFileLock } from '../blob/lock.ts';
import type { Volume } from '../volume/contract.ts';
import { chanceOf, type MetaEngine } from './engine.ts';

const lockPath = (volume: Volume): string => join(volume.stateDir, 'lock');

/** Waits for it; throws `busy`. */
export function lockVolume(
  engine: Pick<MetaEngine, 'world' | 'lockWaitMs' | 'signal'>,
  volume: Volume,
): Promise<FileLock> {
  const wait = { lockWaitMs: engine.lockWaitMs, random: chanceOf(engine.world), signal: engine.signal };
  return takeFileLock(lockPath(volume), wait, `the working directory ${volume.state.dir}`);
}

export const tryLockVolume = (volume: Volume): FileLock | undefined => tryFileLock(lockPath(volume));

/** Of the one process that watches the directory; undefined where there is one already. */
export const tryWatchLock = (volume: Volume): FileLock | undefined => tryFileLock(join(volume.stateDir, 'watch.lock'));
