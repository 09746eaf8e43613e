/**
 * One command at a time changes a working directory or its notes. The lock is the operating system's and goes with the
 * process, so a kill leaves nothing to clean up.
 */
import { join } from 'node:path';
import { takeFileLock, tryFileLock } from '../blob/index.ts';
import type { Volume } from '../volume/contract.ts';
import { adoptExpected, finishCheckout, finishMerge } from './checkout.ts';
import type { Engine } from './engine.ts';

const lockPath = (volume: Volume): string => join(volume.stateDir, 'lock');

/**
 * Waits for the lock, reads the volume's state again and finishes what an earlier command left, unless told not to
 * (`checkout --force` may pass over a checkout that can no longer be finished). Throws `busy`.
 */
export async function holdVolume(engine: Engine, volume: Volume, { finish = true } = {}): Promise<Disposable> {
  const random = () => engine.world.random(4).readUInt32BE() / 2 ** 32;
  const wait = { lockWaitMs: engine.lockWaitMs, random, signal: engine.signal };
  const lock = await takeFileLock(lockPath(volume), wait, `the working directory ${volume.state.dir}`);
  return settled(engine, volume, lock, finish);
}

/** For commands that only look: undefined when another command is at work there, which is no reason to wait. */
export async function tryHoldVolume(engine: Engine, volume: Volume): Promise<Disposable | undefined> {
  const lock = tryFileLock(lockPath(volume));
  return lock && settled(engine, volume, lock, true);
}

async function settled(
  engine: Engine,
  volume: Volume,
  lock: { release(): void },
  finish: boolean,
): Promise<Disposable> {
  try {
    volume.refresh();
    adoptExpected(engine, volume);
    if (finish) {
      await finishCheckout(engine, volume);
      await finishMerge(engine, volume);
    }
    return { [Symbol.dispose]: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}
