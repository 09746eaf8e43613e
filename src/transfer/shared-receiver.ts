/**
 * One receiver for several parts of an upload at once. Blocks of all of them go in side by side; publishing waits for
 * those on their way and holds up the next ones, so that the engine never seals a pack under a block. Markers need it
 * alone (`alone`): what is marked as needed belongs to one snapshot at a time.
 */
import type { BlobReceiver, Commit, DeltaInput, ObjectRef, WriteStats } from '../blob/contract.ts';
import type { Kind } from '../core/hash.ts';

/** What taking a stream in needs of a receiver. */
export type Receiving = Pick<
  BlobReceiver,
  'addBlock' | 'addDelta' | 'sync' | 'has' | 'need' | 'accept' | 'nodes' | 'publish'
>;

/** Who waits gets it in the order of asking. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is ours, with what ends that. */
  async take(): Promise<() => void> {
    const before = this.#last;
    const ours = Promise.withResolvers<void>();
    this.#last = ours.promise;
    await before;
    return ours.resolve;
  }
}

export class SharedReceiver implements Receiving {
  readonly alone = new Turns();
  readonly #receiver: BlobReceiver;
  #adding = 0;
  #publishing: Promise<void> | undefined;
  #idle = (): void => {};

  constructor(receiver: BlobReceiver) {
    this.#receiver = receiver;
  }

  get nodes(): BlobReceiver['nodes'] {
    return this.#receiver.nodes;
  }

  addBlock(bytes: Uint8Array): Promise<void> {
    return this.#beside(() => this.#receiver.addBlock(bytes));
  }

  addDelta(delta: DeltaInput): Promise<ObjectRef[]> {
    return this.#beside(() => this.#receiver.addDelta(delta));
  }

  async sync(): Promise<void> {
    while (this.#publishing) await this.#publishing;
    await this.#receiver.sync();
  }

  has(kind: Kind, ids: Uint8Array): Uint8Array {
    return this.#receiver.has(kind, ids);
  }

  need(kind: Kind, ids: Uint8Array): Uint32Array {
    return this.#receiver.need(kind, ids);
  }

  accept(): void {
    this.#receiver.accept();
  }

  /** Under `alone`, so that there are never two. */
  async publish(commit?: Commit): Promise<WriteStats> {
    const done = Promise.withResolvers<void>();
    this.#publishing = done.promise;
    try {
      while (this.#adding > 0) {
        await new Promise<void>((resolve) => {
          this.#idle = resolve;
        });
      }
      return await this.#receiver.publish(commit);
    } finally {
      this.#publishing = undefined;
      done.resolve();
    }
  }

  async #beside<T>(add: () => Promise<T>): Promise<T> {
    while (this.#publishing) await this.#publishing;
    this.#adding++;
    try {
      return await add();
    } finally {
      if (--this.#adding === 0) this.#idle();
    }
  }
}
