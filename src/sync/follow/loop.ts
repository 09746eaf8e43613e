/**
 * Drives the machine of core/follow: one action at a time beside a feed that is read on, a look at this side every 300 ms,
 * and an end within moments of the signal, whatever waits.
 */
import { ERRORS, PlaitError } from '../../core/errors.ts';
import {
  type Action,
  beginFollow,
  decide,
  type Failure,
  type FollowInput,
  type FollowSetup,
  type FollowState,
  type Marker,
  standingOf,
  take,
} from '../../core/follow.ts';
import type { StoreId } from '../../core/ids.ts';
import type { FollowClock } from './clock.ts';
import { asFailure } from './failures.ts';
import type { Link, Listener, Reader } from './link.ts';
import type { News } from './tell.ts';

/** What is followed: one volset, or all. */
export interface Course {
  /** Where it was left. */
  readonly marker: Marker | null;
  connect(): Promise<Link>;
  open(link: Link, after: Marker | undefined, listener: Listener): Promise<Opened>;
  state(link: Link): Promise<FollowInput>;
  apply(link: Link, retry: boolean): Promise<FollowInput>;
  /** What has changed here since the last look. Cheap, and asked often. */
  look(): FollowInput[];
  /** Writes down what may wait a moment. */
  flush(): void;
  news(news: News): void;
  problem(failure: Failure): void;
}

export interface Opened {
  store: StoreId;
  after: number;
  head: number;
  reader: Reader;
}

const POLL_MS = 300;

export class Loop {
  state: FollowState;
  readonly #course: Course;
  readonly #clock: FollowClock;
  readonly #signal: AbortSignal;
  readonly #random: () => number;
  #inbox: FollowInput[] = [];
  #wake: (() => void) | undefined;
  #link: Link | undefined;
  #task: Promise<void> | undefined;
  /** Connections that are being given up. */
  #closing = new Set<Promise<void>>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #told = '';

  constructor(
    course: Course,
    setup: FollowSetup,
    world: { clock: FollowClock; signal: AbortSignal; random: () => number },
  ) {
    this.state = beginFollow(course.marker, setup);
    this.#course = course;
    this.#clock = world.clock;
    this.#signal = world.signal;
    this.#random = world.random;
  }

  /** Resolves when it has ended by itself, or the signal has fired. */
  async run(): Promise<void> {
    const stop = (): void => this.#wake?.();
    this.#signal.addEventListener('abort', stop);
    try {
      while (!this.#signal.aborted) {
        this.#takeIn();
        const { state, action } = decide(this.state, this.#clock.now());
        this.#set(state);
        if (action.do === 'stop') return;
        if (action.do === 'wait') await this.#pause(action.until);
        else this.#start(action);
      }
    } finally {
      this.#signal.removeEventListener('abort', stop);
      this.#giveUp();
      await this.#task;
      // It may have connected at the very end.
      this.#giveUp();
      await Promise.all(this.#closing);
      this.#flush();
    }
  }

  /** What cannot be written down at the end is read again by the next run. */
  #flush(): void {
    try {
      this.#course.flush();
    } catch (error) {
      if (!(error instanceof PlaitError)) throw error;
      this.#course.problem(asFailure(error));
    }
  }

  #takeIn(): void {
    const inputs = this.#inbox;
    this.#inbox = [];
    for (const input of inputs) this.#take(input);
    const { feed, work, ended } = this.state;
    if (ended || work !== 'none') return;
    if (feed === 'closed') this.#giveUp();
    const now = this.#clock.now();
    if (now - this.#lookedAt < POLL_MS) return;
    this.#lookedAt = now;
    for (const input of this.#course.look()) this.#take(input);
  }

  #take(input: FollowInput): void {
    const before = this.state;
    this.#set(take(before, input, this.#clock.now(), this.#random));
    // What ended a task may be seen here; whether there is more to do must be known before anybody is told of an end.
    if (before.work !== 'none' && this.state.work === 'none') this.#lookedAt = Number.NEGATIVE_INFINITY;
    const { reason, ended } = this.state;
    if (ended?.error) this.#course.problem(ended.error);
    else if (reason !== undefined && reason !== before.reason && !ERRORS[reason.code].retryable)
      this.#course.problem(reason);
  }

  #set(state: FollowState): void {
    this.state = state;
    if (state.ended?.error) return;
    const { retryAt, ...standing } = standingOf(state);
    const now = this.#clock.now();
    const waits = retryAt !== undefined && retryAt > now;
    const told = JSON.stringify([standing.status, standing.revision, waits && retryAt]);
    // Between two tries there is nothing new to be said.
    if (told === this.#told || (standing.status === 'waiting' && !waits && this.#told.startsWith('["waiting"'))) return;
    this.#told = told;
    const { status, reason } = standing;
    const why = reason === undefined ? {} : { reason: { code: reason.code, message: reason.message } };
    const soon = waits ? { retryInMs: Math.round(retryAt - now), ...why } : {};
    this.#course.news({ event: 'status', type: 'status', status, ...soon });
  }

  async #pause(until: number | null): Promise<void> {
    if (this.#inbox.length > 0 || this.#signal.aborted) return;
    const ms = Math.min(POLL_MS, until === null ? POLL_MS : until - this.#clock.now());
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await this.#clock.sleep(Math.max(0, ms), waking.signal);
    this.#wake = undefined;
  }

  #start(action: Exclude<Action, { do: 'wait' | 'stop' }>): void {
    const work = action.do === 'open' ? this.#open(action.after) : this.#work(action);
    const done = work.catch((error: unknown) => {
      const failure = asFailure(error);
      this.#put(
        action.do === 'open' ? { input: 'refused', error: failure } : { input: 'failed', of: 'work', error: failure },
      );
    });
    this.#task = done;
  }

  async #open(after: Marker | undefined): Promise<void> {
    const link = await this.#connected();
    const { reader, ...opened } = await this.#course.open(link, after, this.#listen(link));
    if (this.#link !== link) {
      await reader.close();
      return;
    }
    this.#put({ input: 'opened', ...opened });
    link.read(reader);
  }

  async #work(action: Extract<Action, { do: 'state' | 'apply' }>): Promise<void> {
    const link = await this.#connected();
    const input = action.do === 'state' ? await this.#course.state(link) : await this.#course.apply(link, action.retry);
    this.#put(input);
  }

  async #connected(): Promise<Link> {
    this.#link ??= await this.#course.connect();
    return this.#link;
  }

  #listen(link: Link): Listener {
    const put = (input: FollowInput): void => {
      if (this.#link === link) this.#put(input);
    };
    return {
      batch: (revision, blobs) => put({ input: 'batch', revision, blobs }),
      ended: (error) => put({ input: 'failed', of: 'feed', error }),
    };
  }

  #put(input: FollowInput): void {
    this.#inbox.push(input);
    this.#wake?.();
  }

  #giveUp(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    // It was given up: nobody waits for how that ends.
    const closing = link.close().catch(() => {});
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }
}
