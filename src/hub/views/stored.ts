/** What packs take, by the time at which they were written. */
import type { PackInfo } from '../../blob/contract.ts';
import type { Sizes } from '../../wire/views.ts';
import { bounded, pointsOf } from './points.ts';

export function storedOver(packs: readonly PackInfo[], max: number): Sizes['stored'] {
  const ordered = [...packs].sort((a, b) => a.written - b.written);
  let [next, bytes] = [0, 0];
  return pointsOf(ordered.length, max).map((at) => {
    while (next <= at) bytes += ordered[next++].bytes;
    return { at: ordered[at].written, bytes: bounded(bytes) };
  });
}
