/**
 * The receiving side: chunks that came, those of them that are on the disk, and a real metadata store that knows what is
 * complete and sealed. A chunk is a number, its bytes are the same number.
 */
import { rmSync } from 'node:fs';
import type { SnapshotId } from '../../../src/core/ids.ts';
import type { Interval } from '../../../src/core/intervals.ts';
import type { SealKey } from '../../../src/meta/contract.ts';
import { V } from '../../meta/helpers.ts';
import { CrashingStore } from './crashing-store.ts';
import type { Variant } from './variants.ts';

export type Chunk = number;

export interface ModelOffer {
  id: SnapshotId;
  number: number;
  chunks: Chunk[];
}

export type ModelAnswer = 'have' | 'want' | 'no-space' | 'rejected';

export class ModelHub {
  readonly store: CrashingStore;
  readonly durable = new Map<Chunk, number>();
  readonly #volatile = new Map<Chunk, number>();
  /** Agreed on and not complete: lost with the process, as the tokens of an upload are. */
  readonly #agreed = new Map<SnapshotId, { offer: ModelOffer; key: SealKey }>();
  /** Too large for this hub, for good. */
  readonly refused = new Set<SnapshotId>();
  full = false;
  /** Chunks that came, and those that were here when they came. */
  received = 0;
  again = 0;
  offered: SnapshotId[] = [];
  readonly #path: string;
  readonly #variant: Variant | undefined;

  constructor(path: string, variant: Variant | undefined) {
    this.#path = path;
    this.#variant = variant;
    this.store = new CrashingStore(path);
  }

  key(sender: string): SealKey {
    const named = this.#variant === 'seals of another epoch count' ? sender.replace(/\.\d+$/, '.1') : sender;
    return { volset: V, sender: named as SealKey['sender'], owner: 'bearer' };
  }

  isComplete = (id: SnapshotId): boolean => this.store.meta.missingBlobs(V, [id]).length === 0;

  sealed = (sender: string): Interval[] => this.store.meta.sealed(this.key(sender));

  offer(sender: string, offers: ModelOffer[], missing: Interval[]): ModelAnswer[] {
    const { meta } = this.store;
    const key = this.key(sender);
    this.offered.push(...offers.map(({ id }) => id));
    const numbers = Object.fromEntries(offers.map(({ id, number }) => [id, number]));
    if (this.#variant === 'sealed when it is offered')
      meta.seal(
        key,
        {},
        offers
          .map(({ number }): Interval => [number, number])
          .sort((a, b) => a[0] - b[0])
          .slice(0, 1),
      );
    meta.seal(key, numbers, missing);
    return offers.map((offer) => {
      if (this.isComplete(offer.id)) return 'have';
      if (this.refused.has(offer.id)) return 'rejected';
      if (this.full) return 'no-space';
      this.#agreed.set(offer.id, { offer, key });
      return 'want';
    });
  }

  have(chunks: Chunk[]): Chunk[] {
    if (this.#variant === 'everything is sent again') return [];
    return chunks.filter((chunk) => this.durable.has(chunk));
  }

  /** One part of an upload: what it answers with is durable. `undefined`: it is refused, nothing of it is kept. */
  upload(part: { chunk: Chunk; bytes: number }[]): SnapshotId[] | undefined {
    const unchecked = this.#variant === 'chunks are stored as they come';
    if (!unchecked && part.some(({ chunk, bytes }) => chunk !== bytes)) return undefined;
    for (const { chunk, bytes } of part) {
      this.received++;
      if (this.durable.has(chunk)) this.again++;
      this.#volatile.set(chunk, bytes);
    }
    if (this.#variant !== 'acknowledged before it is durable') this.flush();
    return this.#finish();
  }

  flush(): void {
    for (const [chunk, bytes] of this.#volatile) this.durable.set(chunk, bytes);
    this.#volatile.clear();
  }

  #finish(): SnapshotId[] {
    const whole = [...this.#agreed.values()].filter(({ offer }) => offer.chunks.every((chunk) => this.#holds(chunk)));
    for (const { offer, key } of whole) {
      this.store.meta.setBlobs(V, [offer.id], { seal: { key, numbers: { [offer.id]: offer.number } } });
      this.#agreed.delete(offer.id);
    }
    return whole.map(({ offer }) => offer.id);
  }

  #holds = (chunk: Chunk): boolean => this.durable.has(chunk) || this.#volatile.has(chunk);

  crash(): void {
    this.#volatile.clear();
    this.#agreed.clear();
    this.store.restart();
  }

  /** Of its own: what it records itself. */
  make(id: SnapshotId, chunks: Chunk[]): void {
    for (const chunk of chunks) this.durable.set(chunk, chunk);
    this.store.meta.setBlobs(V, [id]);
  }

  close(): void {
    this.store.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#path + suffix, { force: true });
  }
}
