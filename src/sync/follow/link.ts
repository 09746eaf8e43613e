/** One connection to a remote, with its feed where that is open. Another one is made for each attempt. */
import type { Failure } from '../../core/follow.ts';
import type { Peer } from '../../core/peer.ts';

/** Whom a feed is read for. */
export interface Listener {
  /** All up to there can be taken. */
  batch(revision: number, blobs: number): void;
  /** No more will come. */
  ended(error: Failure): void;
}

export interface Reader {
  /** Until the feed ends; fails never. */
  read(): Promise<void>;
  close(): Promise<void>;
}

export class Link {
  readonly peer: Peer;
  #reader: Reader | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(peer: Peer) {
    this.peer = peer;
  }

  read(reader: Reader): void {
    this.#reader = reader;
    this.#reading = reader.read();
  }

  /** Whatever waits for an answer fails. */
  async close(): Promise<void> {
    await this.#reader?.close();
    await this.peer[Symbol.asyncDispose]();
    await this.#reading;
  }
}
