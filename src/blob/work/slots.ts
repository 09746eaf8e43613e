/** Bounds what is in flight: a number of tasks and their bytes. First come, first served. */
export class Slots {
  readonly #maxTasks: number;
  readonly #maxBytes: number;
  #tasks = 0;
  #bytes = 0;
  #queue: { bytes: number; go: () => void }[] = [];
  #listeners: (() => void)[] = [];

  constructor(maxTasks: number, maxBytes: number) {
    this.#maxTasks = maxTasks;
    this.#maxBytes = maxBytes;
  }

  /** True when somebody waits: it is no use to start more. */
  get crowded(): boolean {
    return this.#queue.length > 0;
  }

  /** Runs `task` once there is room. A task with more bytes than the maximum runs alone. */
  async run<T>(bytes: number, task: () => Promise<T>): Promise<T> {
    if (this.#queue.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((go) => this.#queue.push({ bytes, go }));
    } else this.#enter(bytes);
    try {
      return await task();
    } finally {
      this.#leave(bytes);
    }
  }

  /** Wakes those who wait for a change. */
  notify(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const wake of listeners) wake();
  }

  /** Resolves when some task has ended. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#listeners.push(resolve));
  }

  #fits(bytes: number): boolean {
    return this.#tasks === 0 || (this.#tasks < this.#maxTasks && this.#bytes + bytes <= this.#maxBytes);
  }

  #enter(bytes: number): void {
    this.#tasks++;
    this.#bytes += bytes;
  }

  #leave(bytes: number): void {
    this.#tasks--;
    this.#bytes -= bytes;
    while (this.#queue.length > 0 && this.#fits(this.#queue[0].bytes)) {
      const next = this.#queue.shift() as { bytes: number; go: () => void };
      this.#enter(next.bytes);
      next.go();
    }
    this.notify();
  }
}
