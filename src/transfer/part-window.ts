/** Parts on their way to one remote: how many and how much at once, and which of them have to wait for others. */
import type { PartAnswer } from '../core/peer.ts';
import type { Needs, Part } from './parts.ts';

/** Bytes of parts in flight, as long as there is more than one. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Requests in flight are 16 a remote; four are left for questions. */
const MAX_PARTS = 12;

export interface Flight {
  /** Whose parts wait for each other: one upload. */
  upload: object;
  part: Part;
  /** False once the upload has failed: what waited for its turn is not sent then. */
  wanted: () => boolean;
  send: () => Promise<PartAnswer>;
  /** Called as soon as the answer is there; what it throws stops the window. */
  done: (answer: PartAnswer) => void;
  failed: (error: unknown) => void;
}

export class PartWindow {
  readonly #parallel: number;
  readonly #signal: AbortSignal | undefined;
  readonly #flying = new Set<Flight>();
  #bytes = 0;
  #wake: () => void = () => {};
  #broken: { error: unknown } | undefined;

  constructor(parallel = 4, signal?: AbortSignal) {
    this.#parallel = Math.max(1, Math.min(parallel, MAX_PARTS));
    this.#signal = signal;
  }

  /** Resolves when the part is on its way, which is not before there is room for it and what it needs has arrived. */
  async send(flight: Flight): Promise<void> {
    await this.#until(() => !flight.wanted() || (this.#room(flight.part) && !this.#mustWait(flight)));
    if (!flight.wanted()) return;
    this.#flying.add(flight);
    this.#bytes += flight.part.bytes;
    void this.#fly(flight);
  }

  /** Resolves when nothing of this upload, or of any, is on its way. @throws the reason of the signal */
  async ended(upload?: object): Promise<void> {
    await this.#until(() => ![...this.#flying].some((flight) => upload === undefined || flight.upload === upload));
  }

  async #fly(flight: Flight): Promise<void> {
    try {
      const answer = await flight.send().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      // Whoever was told to stop has closed its store by now.
      if (this.#signal?.aborted || this.#broken) return;
      if ('value' in answer) flight.done(answer.value);
      else flight.failed(answer.error);
    } catch (error) {
      this.#broken ??= { error };
    } finally {
      this.#flying.delete(flight);
      this.#bytes -= flight.part.bytes;
      this.#wake();
    }
  }

  #room({ bytes }: Part): boolean {
    if (this.#flying.size === 0) return true;
    return this.#flying.size < this.#parallel && this.#bytes + bytes <= MAX_BYTES;
  }

  #mustWait({ upload, part }: Flight): boolean {
    return [...this.#flying].some((other) => other.upload === upload && blocks(part.needs, other.part));
  }

  async #until(condition: () => boolean): Promise<void> {
    const signal = this.#signal;
    const wake = (): void => this.#wake();
    signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        signal?.throwIfAborted();
        if (this.#broken) throw this.#broken.error;
        if (condition()) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal?.removeEventListener('abort', wake);
    }
  }
}

const blocks = (needs: Needs, { nodes }: Part): boolean => needs === 'all' || (needs === 'nodes' && nodes);
