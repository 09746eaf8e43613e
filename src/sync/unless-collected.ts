/** Beside gc: what a command took as present may be gone before it can commit. Beginning again stores it anew. */
import { wasCollected } from '../blob/index.ts';
import type { Engine } from './engine.ts';

const TRIES = 3;

export async function unlessCollected<T>(engine: Pick<Engine, 'signal'>, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries >= TRIES || !wasCollected(error) || engine.signal?.aborted) throw error;
    }
  }
}
