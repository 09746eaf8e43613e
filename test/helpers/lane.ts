/** One direction of one connection through a bad network: bandwidth, then latency, then whoever takes the bytes. */

/** Time as a lane needs it; tests give one that they move themselves. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  after(ms: number, then: () => void): () => void;
}

export const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

/** Bytes that one lane sends before the next one has its turn. */
const QUANTUM = 4096;
/** A machine that was busy catches up this much (milliseconds of bandwidth), so that the mean rate holds. */
const BURST_MS = 20;

/** The bandwidth of one direction, shared by all its lanes in turn. */
export class Bandwidth {
  readonly #clock: Clock;
  #rate: number;
  readonly #waiting: ((bytes: number) => void)[] = [];
  #tokens = 0;
  #at: number;
  #stop: (() => void) | undefined;

  constructor(clock: Clock, rate = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#rate = rate;
    this.#at = clock.now();
  }

  /** Bits a second. */
  set rate(rate: number) {
    if (rate === this.#rate) return;
    this.#rate = rate;
    this.#stop?.();
    this.#stop = undefined;
    this.#serve();
  }

  /** Calls back with a number of bytes that may go, once it is the caller's turn. */
  ask(granted: (bytes: number) => void): void {
    if (this.#rate === Number.POSITIVE_INFINITY && this.#waiting.length === 0) granted(Number.POSITIVE_INFINITY);
    else {
      this.#waiting.push(granted);
      this.#stop ??= this.#clock.after(0, () => this.#serve());
    }
  }

  /** What was granted and not used. */
  giveBack(bytes: number): void {
    if (bytes !== Number.POSITIVE_INFINITY) this.#tokens += bytes;
  }

  #serve(): void {
    // Whoever asks again from within is served in this turn, or waits like the others.
    this.#stop = () => {};
    const perMs = this.#rate / 8000;
    const quantum = perMs === Number.POSITIVE_INFINITY ? perMs : Math.max(1, Math.min(QUANTUM, perMs * BURST_MS));
    const now = this.#clock.now();
    const earned = perMs === Number.POSITIVE_INFINITY ? 0 : (now - this.#at) * perMs;
    this.#tokens = Math.min(Math.max(QUANTUM, perMs * BURST_MS), this.#tokens + earned);
    this.#at = now;
    while (this.#waiting.length > 0 && (quantum === Number.POSITIVE_INFINITY || this.#tokens >= quantum)) {
      if (quantum !== Number.POSITIVE_INFINITY) this.#tokens -= quantum;
      this.#waiting.shift()?.(quantum);
    }
    this.#stop = undefined;
    if (this.#waiting.length === 0) return;
    this.#stop = this.#clock.after(Math.max(1, (quantum - this.#tokens) / perMs), () => this.#serve());
  }
}

export interface LaneOptions {
  clock: Clock;
  bandwidth: Bandwidth;
  /** Milliseconds on the way, asked for each piece. */
  delay: () => number;
  /** Bytes on the way at most: what comes in beyond it is refused until there is room. */
  window: number;
  /** Takes a piece; false when it will take no more until `resume`. */
  deliver: (bytes: Buffer) => boolean;
  /** The end has come out, behind all bytes. */
  end: () => void;
  /** There is room again. */
  room: () => void;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #waiting: Buffer[] = [];
  readonly #flying: { at: number; bytes: Buffer | null }[] = [];
  #bytes = 0;
  #asked = false;
  #blocked = false;
  #ended = false;
  #closed = false;
  #timer: (() => void) | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** False: no room beyond this, wait for `room`. */
  push(bytes: Buffer): boolean {
    this.#bytes += bytes.length;
    this.#waiting.push(bytes);
    this.#send();
    return this.#bytes < this.#options.window;
  }

  /** The sender has ended its direction. */
  finish(): void {
    this.#ended = true;
    this.#send();
  }

  /** The receiver takes bytes again. */
  resume(): void {
    this.#blocked = false;
    this.#arrive();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.();
    this.#waiting.length = 0;
    this.#flying.length = 0;
  }

  #send(): void {
    if (this.#asked || this.#closed) return;
    if (this.#waiting.length === 0) {
      if (this.#ended) this.#fly(null);
      this.#ended = false;
      return;
    }
    this.#asked = true;
    this.#options.bandwidth.ask((granted) => {
      this.#asked = false;
      if (this.#closed) return this.#options.bandwidth.giveBack(granted);
      let left = granted;
      while (left > 0 && this.#waiting.length > 0) {
        const first = this.#waiting[0];
        const taken = first.subarray(0, Math.min(Math.ceil(left), first.length));
        if (taken.length === first.length) this.#waiting.shift();
        else this.#waiting[0] = first.subarray(taken.length);
        left -= taken.length;
        this.#fly(taken);
      }
      this.#options.bandwidth.giveBack(left);
      this.#send();
    });
  }

  #fly(bytes: Buffer | null): void {
    const { clock, delay } = this.#options;
    // In order, whatever the delay has been changed to meanwhile.
    const at = Math.max(clock.now() + delay(), this.#flying.at(-1)?.at ?? 0);
    this.#flying.push({ at, bytes });
    this.#arrive();
  }

  #arrive(): void {
    const { clock, deliver, end, room, window } = this.#options;
    const full = this.#bytes >= window;
    while (!this.#blocked && !this.#closed && this.#flying.length > 0 && this.#flying[0].at <= clock.now()) {
      const { bytes } = this.#flying.shift() as { bytes: Buffer | null };
      if (bytes === null) end();
      else {
        this.#bytes -= bytes.length;
        this.#blocked = !deliver(bytes);
      }
    }
    if (this.#closed) return;
    if (full && this.#bytes < window) room();
    if (this.#timer || this.#blocked || this.#flying.length === 0) return;
    this.#timer = clock.after(Math.max(0, this.#flying[0].at - clock.now()), () => {
      this.#timer = undefined;
      this.#arrive();
    });
  }
}
