/** All feeds of a hub: who may open one, the channels that they share, one timer for all marks, and their end. */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import type { FeedAsk } from '../../core/peer.ts';
import { errorLine, STOPPING } from '../../wire/feed.ts';
import { isAnonymous } from '../access.ts';
import type { HubLimits, HubMeta } from '../contract.ts';
import { toPlaitError } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import type { Call } from '../routes/route.ts';
import { Channel } from './channel.ts';
import { type Following, follow } from './follower.ts';
import { HeadChannel } from './head-channel.ts';
import type { HeadWatch } from './head-watch.ts';
import { Pages } from './pages.ts';

export interface FeedParts {
  meta: HubMeta;
  heads: HeadWatch;
  limits: HubLimits;
  metrics: Metrics;
}

type Asked = Pick<Call, 'caller' | 'signal' | 'renew'>;

/** A channel, and how many hold it. */
interface Shared<T> {
  channel: T;
  held: number;
}

/** Channels that are held, by what they are about. */
type Channels<K, T> = Map<K, Shared<T>>;

interface Held<T> {
  channel: T;
  release(): void;
}

/** Made where there is none, or none that works; it goes with the last who holds it. */
function hold<K, T extends Pick<Channel, 'failed' | 'close'>>(
  channels: Channels<K, T>,
  key: K,
  make: () => T,
): Held<T> {
  const known = channels.get(key);
  const shared = known && !known.channel.failed ? known : { channel: make(), held: 0 };
  channels.set(key, shared);
  shared.held++;
  const release = (): void => {
    if (--shared.held > 0) return;
    shared.channel.close();
    if (channels.get(key) === shared) channels.delete(key);
  };
  return { channel: shared.channel, release };
}

export class Feeds implements Disposable {
  readonly #parts: FeedParts;
  readonly #pages: Pages;
  readonly #channels: Channels<VolsetId, Channel> = new Map();
  /** Of all volsets together there is one. */
  readonly #heads: Channels<'heads', HeadChannel> = new Map();
  readonly #byToken = new Map<string, number>();
  #followers = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopWatching: (() => void)[] = [];
  #stopped = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#pages = new Pages(parts.meta);
  }

  /** Throws what an answer can still say: `compacted`, `ahead`, `not-found`, `busy`. */
  async open(asked: Asked, volset: VolsetId, { after }: FeedAsk): Promise<AsyncGenerator<Uint8Array>> {
    const { meta, limits } = this.#parts;
    const take = () => hold(this.#channels, volset, () => new Channel(volset, meta, limits.ringBytes));
    return this.#begin(asked, take, async (channel) => {
      await channel.fill();
      if (after !== undefined && (after < channel.floor || after > channel.tail))
        await this.#pages.readAnew(volset, after);
      return follow(channel, this.#pages, after, this.#following(asked));
    });
  }

  async openHeads(asked: Asked): Promise<AsyncGenerator<Uint8Array>> {
    const { meta, heads } = this.#parts;
    const take = () => hold(this.#heads, 'heads', () => new HeadChannel(meta, heads));
    return this.#begin(asked, take, async (channel) => {
      await channel.fill();
      return channel.follow(asked.caller, this.#following(asked));
    });
  }

  /** How many follow this volset alone: programs, and pages that show it (the one that asks, too). */
  followersOf(volset: VolsetId): number {
    return this.#channels.get(volset)?.held ?? 0;
  }

  /** All end at once, each with a word about it. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#unwatch();
    for (const { channel } of this.#all()) channel.wake();
  }

  #all(): Shared<Channel | HeadChannel>[] {
    return [...this.#channels.values(), ...this.#heads.values()];
  }

  /** A place among the followers and a channel: given back when the feed ends, or now where it cannot begin. */
  async #begin<T>(
    asked: Asked,
    take: () => Held<T>,
    open: (channel: T) => Promise<AsyncGenerator<Uint8Array>>,
  ): Promise<AsyncGenerator<Uint8Array>> {
    const leave = this.#enter(asked);
    const { channel, release } = take();
    const giveBack = (): void => {
      release();
      leave();
    };
    try {
      return this.#run(asked, await open(channel), giveBack);
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  #following({ signal, renew }: Asked) {
    const { metrics } = this.#parts;
    return {
      signal,
      stopped: () => this.#stopped,
      check: renew,
      told: (changes: number) => {
        metrics.changesSent += changes;
      },
    } satisfies Following;
  }

  /** Leaves, once, whatever becomes of it: of one whose client is gone before it starts, nothing below runs. */
  #run({ signal }: Asked, lines: AsyncGenerator<Uint8Array>, leave: () => void): AsyncGenerator<Uint8Array> {
    let left = false;
    const once = (): void => {
      if (left) return;
      left = true;
      leave();
    };
    if (signal.aborted) once();
    else signal.addEventListener('abort', once, { once: true });
    return this.#lines(lines, once);
  }

  async *#lines(lines: AsyncGenerator<Uint8Array>, leave: () => void): AsyncGenerator<Uint8Array> {
    try {
      yield* lines;
      if (this.#stopped) yield Buffer.from(STOPPING);
    } catch (thrown) {
      const error = toPlaitError(thrown);
      this.#parts.metrics.error(error.code);
      yield Buffer.from(errorLine(error));
    } finally {
      leave();
    }
  }

  /** Takes a place among the followers; answers how to give it back. */
  #enter({ caller }: Asked): () => void {
    const { limits, metrics } = this.#parts;
    if (this.#stopped) throw new PlaitError('busy', 'the hub is stopping');
    const own = this.#byToken.get(caller.owner) ?? 0;
    if (this.#followers >= limits.followers) throw tooMany('as many follow this hub as it allows');
    if (!isAnonymous(caller) && own >= limits.tokenFollowers) throw tooMany('as many follow with this token as may');
    this.#byToken.set(caller.owner, own + 1);
    metrics.followers = ++this.#followers;
    if (this.#followers === 1) this.#watch();
    return () => {
      const others = (this.#byToken.get(caller.owner) ?? 1) - 1;
      if (others === 0) this.#byToken.delete(caller.owner);
      else this.#byToken.set(caller.owner, others);
      metrics.followers = --this.#followers;
      if (this.#followers === 0) this.#unwatch();
    };
  }

  #watch(): void {
    const { heads, limits } = this.#parts;
    this.#stopWatching = [
      heads.follow(),
      heads.subscribe((volset, head) => this.#channels.get(volset)?.channel.seen(head)),
    ];
    this.#timer = setInterval(() => this.#tick(), limits.markMs).unref();
  }

  #unwatch(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stopWatching) stop();
    this.#stopWatching = [];
  }

  #tick(): void {
    for (const { channel } of this.#all()) channel.tick();
  }
}

const tooMany = (message: string): PlaitError =>
  new PlaitError('busy', message, { hint: 'try again later, or follow all volume sets with one connection' });
