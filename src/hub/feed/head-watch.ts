/** Which volsets moved: by this hub's own writes, at once, and by those of other processes, by looking again and again. */
import type { VolsetId } from '../../core/ids.ts';
import type { Head } from '../../core/peer.ts';
import type { HubMeta } from '../contract.ts';
import { Fresh } from './fresh.ts';

/** Told of each head that differs from what the look before saw; of all heads at the first look. */
export type HeadListener = (volset: VolsetId, head: Head) => void;

export interface HeadWatchOptions {
  /** Milliseconds between looks while somebody follows. */
  pollMs?: number;
  /** A look that nobody waited for failed; the next one may do better. */
  onFailure?: (error: unknown) => void;
}

export class HeadWatch implements Disposable {
  readonly #meta: Pick<HubMeta, 'heads'>;
  readonly #pollMs: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #heads = new Map<VolsetId, Head>();
  readonly #listeners = new Set<HeadListener>();
  readonly #looks = new Fresh(() => this.#look());
  #followers = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(meta: Pick<HubMeta, 'heads'>, { pollMs = 200, onFailure = () => {} }: HeadWatchOptions = {}) {
    this.#meta = meta;
    this.#pollMs = pollMs;
    this.#onFailure = onFailure;
  }

  /** As of the last look; deleted volsets are among them. */
  get heads(): ReadonlyMap<VolsetId, Head> {
    return this.#heads;
  }

  /** Hears whatever a look finds, but causes none: who must hear of other processes' writes without asking follows. */
  subscribe(listener: HeadListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks are made every `pollMs` until the answer is called. */
  follow(): () => void {
    if (++this.#followers === 1) this.#again(0);
    let followed = true;
    return () => {
      if (!followed) return;
      followed = false;
      if (--this.#followers === 0) clearTimeout(this.#timer);
    };
  }

  /** Resolves when a look that began after this call has told the listeners what it found. */
  look(): Promise<void> {
    return this.#looks.get();
  }

  /** Something was written here: seen now rather than at the next look. Does nothing while nobody follows. */
  poke(): void {
    if (this.#followers > 0 && !this.#closed) this.look().catch(this.#onFailure);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #again(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#poll(), ms).unref();
  }

  async #poll(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      this.#onFailure(error);
    }
    if (this.#followers > 0 && !this.#closed) this.#again(this.#pollMs);
  }

  async #look(): Promise<void> {
    for (const { volset, head } of await this.#meta.heads()) {
      const before = this.#heads.get(volset);
      if (before?.revision === head.revision && before.blobs === head.blobs) continue;
      this.#heads.set(volset, head);
      for (const listener of [...this.#listeners]) listener(volset, head);
    }
  }
}
