/** How fast transfers move, from what was told of them at several times. Pure. */
import type { Activity } from '../../wire/views.ts';

type Transfer = Activity['transfers'][number];

/** What lies further back says nothing of now. */
const WINDOW_MS = 10_000;

export class Rates {
  readonly #samples = new Map<string, { at: number; bytes: number }[]>();

  /** Transfers that are not told any more are forgotten. */
  note({ now, transfers }: Pick<Activity, 'now' | 'transfers'>): void {
    const keys = new Set(transfers.map(keyOf));
    for (const key of this.#samples.keys()) if (!keys.has(key)) this.#samples.delete(key);
    for (const transfer of transfers) {
      const before = this.#samples.get(keyOf(transfer)) ?? [];
      // One that began anew, or a clock that was set back.
      const valid = before.filter(({ at, bytes }) => at < now && at >= now - WINDOW_MS && bytes <= transfer.bytes);
      this.#samples.set(keyOf(transfer), [...valid, { at: now, bytes: transfer.bytes }]);
    }
  }

  /** Bytes a second; undefined while nobody can tell. */
  of(transfer: Transfer): number | undefined {
    const samples = this.#samples.get(keyOf(transfer)) ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last || last.at <= first.at) return undefined;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }
}

const keyOf = ({ id, direction, volset }: Transfer): string => `${direction} ${volset} ${id}`;
