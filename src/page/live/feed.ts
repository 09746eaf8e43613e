/**
 * A feed that is opened again whenever it ends: with growing, jittered waits, that start anew after a minute of health.
 * Silence for longer than three marks is a loss, as for any follower (docs/protocol.md).
 */
import { jittered } from '../../core/back-off.ts';
import { PlaitError } from '../../core/errors.ts';
import { lines } from './lines.ts';
import type { Live, LiveStatus } from './status.ts';

const BOUNDS = { firstMs: 500, longestMs: 30_000 };
const HEALTHY_MS = 60_000;
const SILENT_MS = 30_000;

export abstract class Feed implements Live {
  #status: LiveStatus = { status: 'waiting' };
  readonly #listeners = new Set<() => void>();
  #attempts = 0;
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  get status(): LiveStatus {
    return this.#status;
  }

  onStatus(listener: () => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  /** Opens it, and again, until `signal` aborts. */
  async run(): Promise<void> {
    while (!this.signal.aborted) {
      const opened = performance.now();
      const error = await this.#once();
      if (this.signal.aborted) return;
      this.lost(error);
      if (performance.now() - opened > HEALTHY_MS) this.#attempts = 0;
      await this.#wait(jittered(this.#attempts++, Math.random, BOUNDS), error);
    }
  }

  protected tell(status: LiveStatus): void {
    this.#status = status;
    for (const listener of this.#listeners) listener();
  }

  protected abstract open(signal: AbortSignal): Promise<Response>;
  protected abstract take(line: Record<string, unknown>): void;
  /** It ended; the next one is opened after a while. */
  protected lost(_error: PlaitError): void {}

  async #once(): Promise<PlaitError> {
    const abort = new AbortController();
    const stop = AbortSignal.any([this.signal, abort.signal]);
    let timer: number | undefined;
    const heard = (): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => abort.abort(new PlaitError('network', 'the hub has fallen silent')), SILENT_MS);
    };
    heard();
    try {
      const response = await this.open(stop);
      if (!response.body) throw new PlaitError('protocol', 'the hub sent no feed');
      for await (const line of lines(response.body, heard)) this.#take(line);
      return new PlaitError('network', 'the feed was cut');
    } catch (error) {
      return stop.aborted && abort.signal.aborted ? (abort.signal.reason as PlaitError) : asError(error);
    } finally {
      window.clearTimeout(timer);
      // A line that was not understood leaves the connection open.
      abort.abort();
    }
  }

  #take(line: unknown): void {
    if (typeof line !== 'object' || line === null)
      throw new PlaitError('protocol', 'the feed sent what is no line of it');
    const { error, trailer } = line as { error?: { code?: string; message?: string }; trailer?: unknown };
    if (error) throw new PlaitError(error.code === 'compacted' ? 'compacted' : 'network', String(error.message));
    if (trailer) throw new PlaitError('network', 'the hub is stopping');
    this.take(line as Record<string, unknown>);
  }

  async #wait(ms: number, { message }: PlaitError): Promise<void> {
    this.tell({ status: 'lost', why: message, retryAt: Date.now() + ms });
    await new Promise<void>((resolve) => {
      const timer = window.setTimeout(resolve, ms);
      const now = (): void => {
        window.clearTimeout(timer);
        resolve();
      };
      this.signal.addEventListener('abort', now, { once: true });
      // Back from a tunnel: no reason to wait.
      window.addEventListener('online', now, { once: true });
    });
  }
}

const asError = (error: unknown): PlaitError =>
  error instanceof PlaitError ? error : new PlaitError('network', 'the feed was cut', { cause: error });
