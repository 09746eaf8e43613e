/**
 * What transfers rely on, as rows that gc of any process sees: bases, and what is being sent. They end by themselves when
 * the transfer's token does, so that one whose process died holds nothing for long.
 */
import type { MaybeAsync } from '../core/async.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { MetaStore } from '../meta/contract.ts';

export type PinMeta = MaybeAsync<Pick<MetaStore, 'missingBlobs' | 'keepBlobs' | 'unkeepBlobs'>>;

export interface PinsOptions {
  meta: PinMeta;
  now: () => number;
  /** A pin that could not be taken away ends by itself. */
  onFailure?: ((error: unknown) => void) | undefined;
}

/** A stream that goes on for longer than its token renews its pins this long before they end. */
const RENEW_MS = 10 * 60 * 1000;

const nameOf = (uploadId: string): string => `transfer:${uploadId}`;

export class Pins {
  readonly #options: PinsOptions;

  constructor(options: PinsOptions) {
    this.#options = options;
  }

  /** Answers with those that are not complete here any more: gone before the pin stood. */
  async keep(volset: VolsetId, uploadId: string, ids: SnapshotId[], until: number): Promise<Set<SnapshotId>> {
    if (ids.length === 0) return new Set();
    const { meta } = this.#options;
    await meta.keepBlobs(volset, nameOf(uploadId), ids, until);
    return new Set(await meta.missingBlobs(volset, ids));
  }

  release(uploadId: string): void {
    const { meta, onFailure } = this.#options;
    (async () => meta.unkeepBlobs(nameOf(uploadId)))().catch((error) => onFailure?.(error));
  }

  /** Passes pieces on, and keeps the pins while they go. */
  async *during<T>(
    pieces: AsyncIterable<T>,
    { volset, uploadId, ids, until }: { volset: VolsetId; uploadId: string; ids: SnapshotId[]; until: number },
  ): AsyncGenerator<T> {
    let end = until;
    for await (const piece of pieces) {
      const now = this.#options.now();
      if (ids.length > 0 && now > end - RENEW_MS) {
        end = now + 2 * RENEW_MS;
        await this.#options.meta.keepBlobs(volset, nameOf(uploadId), ids, end);
      }
      yield piece;
    }
  }
}
