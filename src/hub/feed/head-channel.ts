/**
 * The heads of all volsets, for all who follow them. Level-triggered: of a volset that moved several times before a
 * follower got to it only the last word is told, so nothing is kept for slow ones.
 */
import type { VolsetId } from '../../core/ids.ts';
import { goneLine, HEADS_HEAD, HEADS_MARK, headLine } from '../../wire/feed.ts';
import type { ScopedCaller } from '../access.ts';
import type { HubMeta } from '../contract.ts';
import type { Following } from './follower.ts';
import { Fresh } from './fresh.ts';
import type { HeadWatch } from './head-watch.ts';
import { Wakers } from './wakers.ts';

/** Moves that are remembered; who lies further behind looks through all volsets. */
const MOVES = 4096;
/** Volsets that are asked for one by one; more of them by a list of all. */
const FEW = 16;
/** Bytes of lines that are sent at once. */
const BATCH = 64 * 1024;

interface Entry {
  text: string;
  /** Deleted, or not here at all: news to those only who have seen it. */
  gone: boolean;
  /** Number of its last move. */
  move: number;
}

export class HeadChannel {
  readonly #meta: Pick<HubMeta, 'findVolset' | 'listVolsets'>;
  readonly #watch: HeadWatch;
  readonly #entries = new Map<VolsetId, Entry>();
  readonly #moved = new Set<VolsetId>();
  readonly #reads = new Fresh(() => this.#read());
  readonly #wakers = new Wakers();
  readonly #leave: () => void;
  /** The last moves, in order; the first of them has number `#first`. */
  readonly #moves: VolsetId[] = [];
  #first = 1;
  #ticks = 0;
  #failure: unknown;

  constructor(meta: Pick<HubMeta, 'findVolset' | 'listVolsets'>, watch: HeadWatch) {
    this.#meta = meta;
    this.#watch = watch;
    for (const volset of watch.heads.keys()) this.#moved.add(volset);
    this.#leave = watch.subscribe((volset) => this.#seen(volset));
  }

  /** All who follow end with an error; whoever comes later takes another one. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** What came up to now is there. */
  async fill(): Promise<void> {
    await this.#watch.look();
    await this.#reads.get();
  }

  tick(): void {
    this.#ticks++;
    this.#wakers.wake();
  }

  wake(): void {
    this.#wakers.wake();
  }

  close(): void {
    this.#leave();
  }

  /** `check` tells what the bearer may see from then on. */
  async *follow(first: ScopedCaller, { signal, stopped, check, told }: Following): AsyncGenerator<Uint8Array> {
    let caller = first;
    let [got, ticks] = [0, -1];
    yield Buffer.from(HEADS_HEAD);
    while (!signal.aborted && !stopped()) {
      if (this.#failure !== undefined) throw this.#failure;
      const end = this.#end;
      for (const { text, count } of this.#batches(caller, got, end)) {
        yield Buffer.from(text);
        told(count);
      }
      got = end;
      if (got !== this.#end) continue;
      if (ticks !== this.#ticks) {
        ticks = this.#ticks;
        caller = await check();
        yield Buffer.from(HEADS_MARK);
        continue;
      }
      await this.#wakers.wait(signal);
    }
  }

  /** Number of the last move. */
  get #end(): number {
    return this.#first + this.#moves.length - 1;
  }

  *#batches(caller: ScopedCaller, got: number, end: number): Generator<{ text: string; count: number }> {
    let [text, count] = ['', 0];
    for (const volset of this.#between(got, end)) {
      const entry = this.#entries.get(volset);
      if (!entry || entry.move <= got || !caller.covers(volset) || (entry.gone && got === 0)) continue;
      text += entry.text;
      count++;
      if (text.length < BATCH) continue;
      yield { text, count };
      [text, count] = ['', 0];
    }
    if (count > 0) yield { text, count };
  }

  /** Volsets with moves behind number `got`, up to `end`, each once. */
  #between(got: number, end: number): Iterable<VolsetId> {
    if (got + 1 < this.#first) return [...this.#entries.keys()];
    return new Set(this.#moves.slice(got + 1 - this.#first, end + 1 - this.#first));
  }

  #seen(volset: VolsetId): void {
    this.#moved.add(volset);
    // Told to all who follow.
    this.#reads.get().catch(() => {});
  }

  /** Deleted volsets have heads, too. */
  async #read(): Promise<void> {
    const moved = [...this.#moved];
    this.#moved.clear();
    if (moved.length === 0) return;
    const living = await this.#living(moved).catch((error: unknown) => {
      this.#failure ??= error;
      this.#wakers.wake();
      throw error;
    });
    for (const volset of moved) this.#move(volset, living.has(volset));
    while (this.#moves.length > MOVES) {
      this.#moves.splice(0, MOVES / 2);
      this.#first += MOVES / 2;
    }
    this.#wakers.wake();
  }

  async #living(volsets: VolsetId[]): Promise<Set<VolsetId>> {
    if (volsets.length > FEW) return new Set((await this.#meta.listVolsets()).map(({ id }) => id));
    const found = await Promise.all(volsets.map((volset) => this.#meta.findVolset(volset)));
    return new Set(found.flatMap((view) => (view ? [view.id] : [])));
  }

  #move(volset: VolsetId, lives: boolean): void {
    const before = this.#entries.get(volset);
    const head = this.#watch.heads.get(volset);
    const gone = !lives || head === undefined;
    if (gone && before?.gone) return;
    const text = gone ? goneLine(volset) : headLine(volset, head);
    this.#moves.push(volset);
    this.#entries.set(volset, { text, gone, move: this.#end });
  }
}
