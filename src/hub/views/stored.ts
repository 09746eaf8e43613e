/** What packs take, by the time at which they were written. */
import type { PackInfo } from '../../blob/contract.ts';
import type { Sizes } from '../../wire/views.ts';
import { bounded, isPoint } from './points.ts';

export function storedOver(packs: readonly PackInfo[], max: number): Sizes['stored'] {
  const points: Sizes['stored'] = [];
  let bytes = 0;
  const ordered = [...packs].sort((a, b) => a.written - b.written);
  for (const [i, pack] of ordered.entries()) {
    bytes += pack.bytes;
    if (isPoint(i, ordered.length, max)) points.push({ at: pack.written, bytes: bounded(bytes) });
  }
  return points;
}
