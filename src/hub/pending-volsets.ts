/**
 * Volsets that a client has announced and not yet sent a record of. They exist in memory only: nothing is stored for a
 * client that goes away, and a name belongs to the first id that came with it.
 */
import type { VolsetId } from '../core/ids.ts';

const MAX = 10_000;
const LIFETIME_MS = 3_600_000;

export class PendingVolsets {
  readonly #names = new Map<VolsetId, { name: string; until: number }>();

  /** The name is `id`'s from now on, unless another has it: that one is the answer then. */
  claim(id: VolsetId, name: string, now: number): VolsetId | undefined {
    for (const [other, { until }] of this.#names) if (until <= now) this.#names.delete(other);
    for (const [other, entry] of this.#names) if (entry.name === name && other !== id) return other;
    if (this.#names.size >= MAX) this.#names.delete(this.#names.keys().next().value as VolsetId);
    this.#names.set(id, { name, until: now + LIFETIME_MS });
    return undefined;
  }

  name(id: VolsetId): string | undefined {
    return this.#names.get(id)?.name;
  }

  /** Its records are here now, or it may not have its name. */
  settled(id: VolsetId): void {
    this.#names.delete(id);
  }
}
