/**
 * A consumer of a peer's feed and states, whose every step is checked (docs/testing.md, "Derived views and followers"). A schedule is
 * a list of numbers: each decides one step.
 */

import { PlaitError } from '../../src/core/errors.ts';
import type { Checkpoint, ViewEvent, WatermarkOptions, WatermarkTracker } from '../../src/core/watermark.ts';
import { Random } from '../support/seed.ts';
import { KEYS, ModelPeer, type State, type Value } from './watermark-peer.ts';

export type MakeTracker = (options: WatermarkOptions<Value>, from?: Checkpoint<Value>) => WatermarkTracker<Value>;

export interface Plan {
  steps: number[];
  seed: number;
  /** States say when each key changed last. */
  dated: boolean;
  /** At most two tombstones. */
  tight: boolean;
}

export interface Counts {
  checks: number;
  states: number;
  stale: number;
  resumed: number;
  crashes: number;
  stopped: number;
  truncated: number;
}

export class Broken extends Error {}
const fail = (text: string): never => {
  throw new Broken(text);
};

interface Running {
  revision: number;
  items: [string, { text: string; revision: number }][];
  given: number;
}

/** What the consumer holds: only what events told it. */
type Held = Map<string, string>;

export class Schedule {
  readonly #make: MakeTracker;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #counts: Counts;
  #stores = 1;
  #peer = new ModelPeer(1);
  #tracker: WatermarkTracker<Value>;
  #held: Held = new Map();
  #told = new Map<string, number>();
  /** Where the feed stands; undefined: it is not open. */
  #position: number | undefined;
  #state: Running | undefined;
  #disk: { checkpoint: Checkpoint<Value>; held: Held } | undefined;

  constructor(plan: Plan, make: MakeTracker, counts: Counts) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#make = make;
    this.#counts = counts;
    this.#tracker = this.#open();
  }

  /** Throws `Broken`, named by the invariant. */
  run(): void {
    try {
      for (let i = this.#random.below(6); i > 0; i--) this.#peer.write(this.#random);
      for (const step of this.#plan.steps) this.#step(step);
      this.#settle();
      this.#resyncUnchanged();
    } catch (error) {
      // Another store answers: the consumer stops, with what it had.
      if (!(error instanceof PlaitError) || (error.code !== 'identity' && error.code !== 'rollback')) throw error;
      this.#check();
      this.#counts.stopped++;
    }
  }

  #open(from?: Checkpoint<Value>): WatermarkTracker<Value> {
    const { dated, tight } = this.#plan;
    const options: WatermarkOptions<Value> = { ...(tight && { maxTombstones: 2 }) };
    return this.#make(dated ? options : { ...options, same: (a, b) => a.text === b.text }, from);
  }

  #step(step: number): void {
    const random = this.#random;
    if (step < 3) this.#peer.write(random);
    else if (step === 3 && random.chance(0.2)) this.#compact();
    else if (step === 4 && random.chance(0.17)) this.#cutFeed();
    else if (step > 4 && step < 9) this.#feedStep();
    else if (step === 13) this.#accident(random.below(30));
    else if (step > 8) this.#stateStep(Math.max(0, this.#peer.revision - random.below(3)));
  }

  #accident(kind: number): void {
    if (kind < 2) this.#truncate();
    else if (kind < 12) this.#checkpoint();
    else if (kind < 15) this.#crash();
    else if (kind === 15) this.#recreate();
  }

  #compact(): void {
    this.#peer.oldest = Math.max(this.#peer.oldest, this.#peer.revision - this.#random.below(4));
  }

  #cutFeed(): void {
    this.#position = undefined;
    this.#tracker.lost();
  }

  #openFeed(): void {
    const { id, revision: head, oldest } = this.#peer;
    const wanted = this.#tracker.resumeAt;
    const { needed } = this.#tracker;
    const there = wanted !== undefined && wanted >= oldest && wanted <= head;
    this.#tracker.opened({ store: id, after: there ? wanted : head, head });
    this.#position = there ? wanted : head;
    if (there && this.#tracker.needed !== needed) fail('F8 a resumed feed made a state necessary');
    if (there) this.#counts.resumed++;
  }

  #feedStep(): void {
    if (this.#position === undefined) this.#openFeed();
    else if (this.#position < this.#peer.oldest) this.#cutFeed();
    else if (this.#random.chance(0.1)) this.#tellTwice(this.#position);
    else if (this.#position < this.#peer.revision) this.#tell(++this.#position);
  }

  #tell(revision: number): void {
    const changes = this.#peer.log[revision - 1].map((change) =>
      'value' in change ? { key: change.key, value: { ...change.value } } : change,
    );
    this.#see(this.#tracker.feed(revision, changes));
  }

  #tellTwice(revision: number): void {
    if (revision === 0) return;
    if (this.#tracker.feed(revision, this.#peer.log[revision - 1]).length > 0) fail('F12 told twice');
    this.#check();
  }

  #stateStep(revision: number): void {
    const state = this.#state;
    if (state === undefined) {
      if (this.#tracker.needed !== undefined && this.#position !== undefined) this.#begin(revision);
    } else if (state.items.length > 0) {
      const [key, { text, revision: changed }] = state.items.pop() as Running['items'][number];
      state.given++;
      this.#see(this.#tracker.item(key, { text }, this.#plan.dated ? changed : undefined));
    } else {
      this.#state = undefined;
      this.#see(this.#tracker.end(state.given).events);
    }
  }

  #begin(revision: number): void {
    if (this.#tracker.begin(this.#peer.id, revision) === 'stale') {
      this.#counts.stale++;
      return;
    }
    this.#counts.states++;
    const items = [...this.#peer.history[revision]];
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    this.#state = { revision, items, given: 0 };
  }

  /** Either the line says so, or the trailer counts more items than came. */
  #truncate(): void {
    const state = this.#state;
    this.#state = undefined;
    if (state === undefined) return;
    this.#counts.truncated++;
    if (this.#random.chance(0.5)) this.#tracker.abandon();
    else if (this.#tracker.end(state.given + 1 + state.items.length).events.length > 0)
      fail('F10 a truncated one swept');
    this.#check();
  }

  #checkpoint(): void {
    const checkpoint = this.#tracker.checkpoint();
    const { store, cursor } = checkpoint;
    if (store === this.#peer.id && this.#position !== undefined && cursor > this.#position) fail('F6 a cursor ahead');
    this.#disk = { checkpoint: structuredClone(checkpoint), held: new Map(this.#held) };
  }

  #crash(): void {
    if (this.#disk === undefined) return;
    this.#counts.crashes++;
    this.#tracker = this.#open(structuredClone(this.#disk.checkpoint));
    this.#held = new Map(this.#disk.held);
    this.#told = new Map();
    this.#position = undefined;
    this.#state = undefined;
  }

  #recreate(): void {
    this.#peer = new ModelPeer(++this.#stores);
    for (let i = this.#random.below(12); i > 0; i--) this.#peer.write(this.#random);
    this.#cutFeed();
    this.#state = undefined;
    this.#tracker.abandon();
  }

  #see(events: ViewEvent<Value>[]): void {
    for (const event of events) {
      const before = this.#held.get(event.key);
      if ((event.type === 'new') !== (before === undefined)) fail(`F2 ${event.type} of ${event.key}`);
      if (event.revision <= (this.#told.get(event.key) ?? 0)) fail('F2 a revision that does not rise');
      this.#told.set(event.key, event.revision);
      if (event.type === 'deleted') this.#held.delete(event.key);
      else if (event.value.text === before) fail('F9 an update that changes nothing');
      else this.#held.set(event.key, event.value.text);
    }
    this.#check();
  }

  #check(): void {
    this.#counts.checks++;
    const view = [...this.#tracker.view()];
    if (view.length !== this.#held.size || view.some(([key, { text }]) => this.#held.get(key) !== text)) {
      fail('F2 events that do not add up to the view');
    }
    if (new Set([...this.#held.values()].map((text) => text.split(':')[0])).size > 1) fail('F5 data of two stores');
    if (this.#tracker.size > KEYS.length) fail('F11 more entries than keys');
    const { revision, status } = this.#tracker;
    if ((status.status === 'waiting') !== (this.#position === undefined)) fail('F1 a status without a feed');
    const store = this.#tracker.checkpoint().store;
    if (revision === undefined || store !== this.#peer.id) return;
    const state = this.#peer.history[revision];
    if (state === undefined || !this.#holds(state)) fail('F1 in sync, but not what the peer was then');
  }

  #holds(state: State): boolean {
    return state.size === this.#held.size && [...state].every(([key, { text }]) => this.#held.get(key) === text);
  }

  /** Nobody writes any more. */
  #settle(): void {
    const there = (): boolean => {
      const { status } = this.#tracker;
      return status.status === 'in-sync' && status.revision === this.#peer.revision && this.#position !== undefined;
    };
    for (let i = 0; i < 600 && !there(); i++) {
      this.#feedStep();
      this.#stateStep(this.#peer.revision);
    }
    if (!there()) fail('F3 never in sync, though the peer is quiet');
    if (!this.#holds(this.#peer.history[this.#peer.revision])) fail('F4 not what the peer is');
  }

  #resyncUnchanged(): void {
    const { revision, id } = this.#peer;
    this.#told = new Map();
    if (this.#tracker.begin(id, revision) === 'stale') fail('F3 the state of now is stale');
    const items = [...this.#peer.history[revision]];
    for (const [key, { text, revision: changed }] of items) {
      const events = this.#tracker.item(key, { text }, this.#plan.dated ? changed : undefined);
      if (events.length > 0) fail('F9 an unchanged state emits');
    }
    if (this.#tracker.end(items.length).events.length > 0) fail('F9 an unchanged state emits');
    this.#check();
  }
}
