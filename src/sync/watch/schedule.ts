/** When the directory is looked at. Pure: times are of one clock that never steps, in milliseconds. */

export interface Periods {
  /** Nothing must have changed for so long. */
  quietMs: number;
  /** But no change waits longer than this, whatever goes on. */
  maxDelayMs: number;
  /** A look without a reason: events can be lost. */
  rescanMs: number;
}

/** Between two looks where there is always something to see. */
const LONGEST_PAUSE_MS = 5000;

/** After a look that failed. */
export interface Retry {
  afterMs: number;
}

export class Schedule {
  readonly #periods: Periods;
  /** Of what is in no snapshot yet. */
  #first: number | undefined;
  #last = 0;
  /** As they were when the look began, in case it fails. */
  #taken: { first: number; last: number } | undefined;
  #began = 0;
  #notBefore: number;
  #rescanAt: number;

  /** The first look is due at once: something may have changed while nobody watched. */
  constructor(periods: Periods, now: number) {
    this.#periods = periods;
    this.#notBefore = now;
    this.#rescanAt = now;
  }

  /** True where all was saved, as far as we knew. */
  changed(now: number): boolean {
    this.#last = now;
    if (this.#first !== undefined) return false;
    this.#first = now;
    return true;
  }

  due(): number {
    const { quietMs, maxDelayMs } = this.#periods;
    const wanted = this.#first === undefined ? Infinity : Math.min(this.#last + quietMs, this.#first + maxDelayMs);
    return Math.max(this.#notBefore, Math.min(wanted, this.#rescanAt));
  }

  /** A look begins: it sees what has changed until now. */
  begin(now: number): void {
    this.#began = now;
    this.#taken = this.#first === undefined ? undefined : { first: this.#first, last: this.#last };
    this.#first = undefined;
  }

  /**
   * It has ended well, or what keeps it from ending well changes only with the directory. Looking takes at most half of
   * the time, unless one look takes long. `blind`: not everything is watched, so the next look comes as early as changes may have to be found.
   */
  ended(now: number, { blind = false } = {}): void {
    const { rescanMs, maxDelayMs } = this.#periods;
    const cost = now - this.#began;
    this.#taken = undefined;
    this.#notBefore = now + Math.min(cost, LONGEST_PAUSE_MS);
    this.#rescanAt = now + (blind ? Math.max(Math.min(rescanMs, maxDelayMs), 10 * cost) : rescanMs);
  }

  /** Something was changed by others while it was read: whether or not we hear of it, another look is needed. */
  unfinished(now: number): void {
    this.#rescanAt = Math.min(this.#rescanAt, now + this.#periods.maxDelayMs);
  }

  /** It has to be done again: the changes are as unsaved as before. */
  failed(now: number, { afterMs }: Retry): void {
    if (this.#taken) {
      this.#first = this.#taken.first;
      this.#last = Math.max(this.#last, this.#taken.last);
    }
    this.#taken = undefined;
    this.#notBefore = now + afterMs;
    this.#rescanAt = now + afterMs;
  }
}
