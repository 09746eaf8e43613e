/** How fast things go now: over the last seconds, not since the start, and whether that is a base for a forecast. */

const WINDOW_MS = 15_000;
const SLOT_MS = 250;
/** No rate before this, and what "just now" means. */
const SHORT_MS = 1000;
const RECENT_MS = 5000;
/** A forecast needs the last moments to be like the last seconds, within this factor. */
const STEADY = 2;
/** Nobody is served by a forecast beyond it. */
const LONGEST_MS = 7 * 24 * 3600 * 1000;

export class Pace {
  readonly #startedAt: number;
  /** Oldest first; amounts that came close together share a slot. */
  #slots: { at: number; amount: number }[] = [];

  /** Milliseconds, from a monotonic clock. */
  constructor(now: number) {
    this.#startedAt = now;
  }

  add(amount: number, now: number): void {
    const last = this.#slots.at(-1);
    if (last && now - last.at < SLOT_MS) last.amount += amount;
    else {
      this.#slots.push({ at: now, amount });
      if (this.#slots[0].at < now - WINDOW_MS) this.#slots = this.#slots.filter(({ at }) => at >= now - WINDOW_MS);
    }
  }

  /** Per second; undefined while it is too early to say. */
  rate(now: number, window = WINDOW_MS): number | undefined {
    const elapsed = now - this.#startedAt;
    if (elapsed < SHORT_MS) return undefined;
    const span = Math.min(window, elapsed);
    const sum = this.#slots.reduce((total, { at, amount }) => (at >= now - span ? total + amount : total), 0);
    return (sum * 1000) / span;
  }

  /** Milliseconds until `left` more are done; undefined when the pace is no base for it. */
  remaining(left: number, now: number): number | undefined {
    const rate = this.rate(now);
    const recent = this.rate(now, RECENT_MS);
    if (left <= 0 || !rate || !recent || recent > rate * STEADY || recent < rate / STEADY) return undefined;
    const ms = (left * 1000) / rate;
    return ms <= LONGEST_MS ? ms : undefined;
  }
}
