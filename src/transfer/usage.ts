/** Stored bytes that each bearer has added here in all, for its quota: read once, counted on with each publish. */
import type { MaybeAsync } from '../core/async.ts';
import type { MetaStore } from '../meta/contract.ts';

export type UsageMeta = MaybeAsync<Pick<MetaStore, 'usage' | 'addUsage'>>;

export class Usage {
  readonly #meta: UsageMeta;
  #used: Map<string, number> | undefined;
  #loading: Promise<void> | undefined;

  constructor(meta: UsageMeta) {
    this.#meta = meta;
  }

  /** Before the first `of`. One that failed is tried again. */
  load(): Promise<void> {
    if (this.#used) return Promise.resolve();
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  of(owner: string): number {
    return this.#used?.get(owner) ?? 0;
  }

  all(): ReadonlyMap<string, number> {
    return this.#used ?? new Map();
  }

  /** Counted at once, so that the next part sees it, and then kept. */
  async add(owner: string, bytes: number): Promise<void> {
    if (bytes === 0) return;
    await this.load();
    this.#used?.set(owner, this.of(owner) + bytes);
    await this.#meta.addUsage(owner, bytes);
  }

  async #read(): Promise<void> {
    this.#used = new Map(Object.entries(await this.#meta.usage()));
  }
}
