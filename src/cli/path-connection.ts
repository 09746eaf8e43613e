/** A connection that is opened at the first request, and once more when what it led to was lost. */
import { PlaitError } from '../core/errors.ts';
import type { StoreId } from '../core/ids.ts';
import type { Traffic } from '../core/peer.ts';
import { type Connection, collectBytes, type Wanted } from '../wire/connection.ts';

export interface Opened {
  connection: Connection;
  close(): Promise<void>;
}

/** `lost`: what was opened is of no use any more. `last`: who answered before. */
export type Open = (traffic: Traffic, lost: () => void, last: StoreId | undefined) => Promise<Opened>;

export class PathConnection implements Connection {
  readonly origin: string;
  readonly traffic: Traffic = { requests: 0, sent: 0, received: 0 };
  readonly #open: Open;
  readonly #unclosed: (error: unknown) => void;
  #opened: Promise<Opened> | undefined;
  #connection: Connection | undefined;
  #identity: StoreId | undefined;
  #isLost = false;
  /** Openings so far. */
  #round = 0;
  #isClosed = false;

  /** A failure to close is told to `unclosed` and fails nothing: what was answered is durable already. */
  constructor(origin: string, open: Open, unclosed: (error: unknown) => void) {
    this.origin = origin;
    this.#open = open;
    this.#unclosed = unclosed;
  }

  get identity(): StoreId | undefined {
    return this.#connection?.identity ?? this.#identity;
  }

  async request(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>> {
    return (await this.#ready()).connection.request(wanted);
  }

  async ask<T>(wanted: Wanted, read: (bytes: AsyncGenerator<Uint8Array>) => Promise<T>): Promise<T> {
    return (await this.#ready()).connection.ask(wanted, read);
  }

  collect(bytes: AsyncIterable<Uint8Array>, max: number): Promise<Buffer> {
    return collectBytes(
      bytes,
      max,
      () => new PlaitError('protocol', `the answer of ${this.origin} is longer than ${max} bytes`),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#leave();
  }

  #ready(): Promise<Opened> {
    if (this.#isClosed) throw new PlaitError('network', `the store ${this.origin} was closed`);
    if (this.#opened && !this.#isLost) return this.#opened;
    const opened = this.#again();
    this.#opened = opened;
    // Asked again it is tried again.
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = undefined;
    });
    return opened;
  }

  async #again(): Promise<Opened> {
    const round = ++this.#round;
    this.#isLost = false;
    this.#identity = this.identity;
    this.#connection = undefined;
    await this.#leave();
    const lost = (): void => {
      if (round === this.#round) this.#isLost = true;
    };
    const opened = await this.#open(this.traffic, lost, this.#identity);
    this.#connection = opened.connection;
    return opened;
  }

  async #leave(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    try {
      await (await opened?.catch(() => undefined))?.close();
    } catch (error) {
      this.#unclosed(error);
    }
  }
}
