/** Volsets as those see them who only look: one that was deleted is not there, nor one of which only data has come. */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import { type Engine, volsetNumber } from './engine.ts';
import { isDead, knowsObject } from './heads.ts';

export function liveVolset(engine: Engine, volset: VolsetId): number {
  const n = volsetNumber(engine, volset);
  if (knowsObject(engine, n, 'volset') && !isDead(engine, n, 'volset')) return n;
  throw new PlaitError('not-found', `There is no volset ${volset} here, or no more.`, {
    hint: 'See `plait volset list`.',
  });
}
