/**
 * A feed that is opened again whenever it ends: with growing, jittered waits, that start anew after a minute of health.
 * Silence for longer than three marks is a loss, as for any follower (docs/protocol.md). Where nobody looks it is closed:
 * it is a connection, and of those a browser has six to a hub for all its tabs together.
 */
import { jittered } from '../../core/back-off.ts';
import { PlaitError } from '../../core/errors.ts';
import { lines } from './lines.ts';
import { pause } from './pause.ts';
import { seen, unseen } from './seen.ts';
import type { Live, LiveStatus } from './status.ts';

const BOUNDS = { firstMs: 500, longestMs: 30_000 };
const HEALTHY_MS = 60_000;
const SILENT_MS = 30_000;
/** Of a page that is in the background: a short look at another tab keeps the feed. */
const UNSEEN_MS = 20_000;
const UNSEEN = new PlaitError('network', 'nobody looks');

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
      if (error === UNSEEN) {
        await this.#unseen();
        continue;
      }
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
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(new PlaitError('network', 'the hub has fallen silent')), SILENT_MS);
    };
    heard();
    void unseen(UNSEEN_MS, stop).then(() => abort.abort(UNSEEN));
    try {
      const response = await this.open(stop);
      if (!response.body) throw new PlaitError('protocol', 'the hub sent no feed');
      for await (const line of lines(response.body, heard)) this.#take(line);
      return new PlaitError('network', 'the feed was cut');
    } catch (error) {
      return stop.aborted && abort.signal.aborted ? (abort.signal.reason as PlaitError) : asError(error);
    } finally {
      clearTimeout(timer);
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
    // Back from a tunnel: no reason to wait.
    await pause(ms, this.signal, [window, 'online']);
  }

  async #unseen(): Promise<void> {
    this.tell({ status: 'paused' });
    await seen(this.signal);
    this.#attempts = 0;
    this.tell({ status: 'waiting' });
  }
}

const asError = (error: unknown): PlaitError =>
  error instanceof PlaitError ? error : new PlaitError('network', 'the feed was cut', { cause: error });
