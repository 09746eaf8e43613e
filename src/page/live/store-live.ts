/** Which volsets of the store moved: the feed of all that the bearer may read. Its first lines tell how far each is. */
import type { PlaitError } from '../../core/errors.ts';
import { type Api, storeOf } from '../api.ts';
import { Feed } from './feed.ts';

/** `gone`: no longer here, or no longer shown to this bearer. */
export type Moved = { volset: string; revision: number } | { volset: string; gone: true };

export class StoreLive extends Feed {
  readonly #api: Api;
  readonly #heads = new Map<string, string>();
  readonly #listeners = new Set<(moved: Moved[]) => void>();
  #store: string | undefined;
  /** Told by the first lines, before the first mark. */
  #first: Set<string> | undefined;
  #moved: Moved[] = [];

  constructor(api: Api, signal: AbortSignal) {
    super(signal);
    this.#api = api;
  }

  /** Called with what moved since the feed was last whole, at most once a task; until `signal` aborts. */
  onMoved(listener: (moved: Moved[]) => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  protected override async open(signal: AbortSignal): Promise<Response> {
    const response = await this.#api.open('/v1/changes', { signal });
    const store = storeOf(response);
    // Revisions of another store say nothing of those before: whatever is there has moved.
    if (store !== this.#store) for (const volset of this.#heads.keys()) this.#heads.set(volset, '');
    this.#store = store;
    this.#first = new Set();
    this.tell({ status: 'resync' });
    return response;
  }

  protected override take(line: Record<string, unknown>): void {
    const { head, gone, mark } = line as {
      head?: { volset: string; revision: number; blobs: number };
      gone?: { volset: string };
      mark?: true;
    };
    if (head) this.#head(head);
    if (gone && this.#heads.delete(gone.volset)) this.#note({ volset: gone.volset, gone: true });
    if (mark && this.#first) this.#whole(this.#first);
  }

  protected override lost(_error: PlaitError): void {
    this.#first = undefined;
  }

  #head({ volset, revision, blobs }: { volset: string; revision: number; blobs: number }): void {
    this.#first?.add(volset);
    const at = `${revision} ${blobs}`;
    if (this.#heads.get(volset) === at) return;
    this.#heads.set(volset, at);
    this.#note({ volset, revision });
  }

  /** What was here before and was not told now is gone. */
  #whole(first: Set<string>): void {
    for (const volset of [...this.#heads.keys()].filter((known) => !first.has(known))) {
      this.#heads.delete(volset);
      this.#note({ volset, gone: true });
    }
    this.#first = undefined;
    this.tell({ status: 'in-sync' });
  }

  #note(moved: Moved): void {
    if (this.#moved.push(moved) > 1) return;
    queueMicrotask(() => {
      const all = this.#moved;
      this.#moved = [];
      for (const listener of [...this.#listeners]) listener(all);
    });
  }
}
