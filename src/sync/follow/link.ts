/** One connection to a remote, with its feed where that is open. Another one is made for each attempt. */
import { ATTEMPT_EVERY_MS, type Failure } from '../../core/follow.ts';
import type { Peer } from '../../core/peer.ts';
import type { RemoteConfig } from '../../meta/contract.ts';
import type { Engine } from '../engine.ts';
import { remoteByName } from '../remotes.ts';
import { peerOf, requireEnabled } from '../replicate.ts';
import type { ReplicateOptions } from '../replicate-options.ts';

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

/** As it is configured now: that may change while it is followed. */
export function remoteNow(engine: Engine, name: string): RemoteConfig {
  const remote = remoteByName(engine, name);
  requireEnabled(remote);
  return remote;
}

export const linkTo = async (engine: Engine, name: string, options: ReplicateOptions): Promise<Link> =>
  new Link(await peerOf(engine, remoteNow(engine, name), { ...options, attemptEveryMs: ATTEMPT_EVERY_MS }));
