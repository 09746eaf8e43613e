/** One command at a time changes a working directory or its notes. */
import type { Volume } from '../volume/contract.ts';
import { findDoubt } from '../volume/index.ts';
import { adoptExpected, finishCheckout, finishMerge } from './checkout.ts';
import type { Engine } from './engine.ts';
import { findBracket, untilFree } from './hold-brackets.ts';
import { lockVolume, tryLockVolume } from './hold-lock.ts';
import { settleDoubt } from './settle-doubt.ts';

/**
 * Waits for the lock, reads the volume's state again and finishes what an earlier command left, unless told not to
 * (`checkout --force` may pass over a checkout that can no longer be finished). Throws `busy`.
 */
export async function holdVolume(engine: Engine, volume: Volume, { finish = true } = {}): Promise<Disposable> {
  const lock = await lockVolume(engine, volume);
  return settled(engine, volume, lock, finish);
}

/** For commands that write its files: an application that writes there is waited for as well. Throws `busy`. */
export async function holdToWrite(engine: Engine, volume: Volume, options?: { finish?: boolean }): Promise<Disposable> {
  const end = performance.now() + engine.lockWaitMs;
  for (;;) {
    using kept = new DisposableStack();
    kept.use(await holdVolume(engine, volume, options));
    const bracket = findBracket(engine, volume);
    if (!bracket) {
      return kept.move();
    }
    kept.dispose();
    await untilFree(engine, volume, { bracket, end });
  }
}

/** For commands that only look: undefined when another command is at work there, which is no reason to wait. */
export async function tryHoldVolume(engine: Engine, volume: Volume): Promise<Disposable | undefined> {
  const lock = tryLockVolume(volume);
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
    // Nor while an application writes: then it stays cut off for a while longer.
    if (finish && isUnfinished(volume) && !findBracket(engine, volume)) {
      await finishCheckout(engine, volume);
      await finishMerge(engine, volume);
      await settleDoubt(engine, volume);
    }
    return { [Symbol.dispose]: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

const isUnfinished = (volume: Volume): boolean =>
  Boolean(volume.state.moving) || volume.pendingCheckout() !== undefined || findDoubt(volume.stateDir) !== undefined;
