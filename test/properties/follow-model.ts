/**
 * A follower (core/follow) in a world of its own: a remote that keeps every state it was ever in, a line that breaks, a
 * process that dies, a clock that only tests move. Each step is checked (docs/testing.md, "Derived views and followers"). What a session
 * or a round would do to the store is done here to a map of branches; which is done when, the follower says.
 */
import type { Action, Failure, FollowInput, FollowState, Marker } from '../../src/core/follow.ts';
import { beginFollow, standingOf } from '../../src/core/follow.ts';
import { Random } from '../support/seed.ts';
import { check, checkInSync, fail, type Held, type Seen } from './follow-checks.ts';
import { type Counts, DAMAGED, NETWORK, type Plan, type Reading, type Rules, type Work } from './follow-plan.ts';
import { type Change, ModelRemote } from './follow-remote.ts';

export class World {
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #rules: Rules;
  #remote = new ModelRemote(1, 1);
  /** What is on the disk. */
  #held: Held = { marker: null, refs: new Map(), lacking: new Map() };
  #state: FollowState;
  #now = 0;
  #down = false;
  /** This change cannot be read from the feed. */
  #poison: number | undefined;
  /** Changes here, and how many of them the remote has. */
  #changes = 0;
  #sent = 0;
  #opening: Marker | 'now' | undefined;
  #work: Work | undefined;
  #feed: Reading | undefined;
  #read: Change[] = [];
  #mayTakeState = true;
  /** Failures that nothing explains, since something new came or a connection held. */
  #unknown = 0;
  /** The remote said that the marker means nothing there. */
  #void = false;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  ended: { error?: Failure } | undefined;

  constructor(plan: Plan, rules: Rules, counts: Counts) {
    this.#plan = plan;
    this.#rules = rules;
    this.#counts = counts;
    this.#random = new Random(plan.seed);
    this.#state = beginFollow(null, { once: plan.once });
  }

  /** Throws `Broken`, named by the invariant. */
  run(): void {
    for (let i = this.#random.below(4); i > 0; i--) this.#remote.write(this.#random);
    for (const step of this.#plan.steps) if (!this.ended) this.#step(step);
    this.#settle();
    if (this.ended) this.#counts.stopped++;
  }

  #step(step: number): void {
    const random = this.#random;
    if (step < 2) this.#remote.write(random);
    else if (step === 2) this.#remote.blobComes();
    else if (step === 3 && random.chance(0.2)) this.#changeHere();
    else if (step === 4 && random.chance(0.4)) this.#cut(NETWORK);
    else if (step === 5 && random.chance(0.3)) this.#remote.compact(random);
    else if (step === 6) this.#now += random.below(70_000);
    else if (step === 7 && random.chance(0.3)) this.#accident(random.below(12));
    else this.#progress();
    this.#check();
  }

  #accident(kind: number): void {
    if (kind < 4) this.#crash();
    else if (kind < 7) this.#down = !this.#down;
    else if (kind < 9) this.#poison = this.#remote.revision + 1;
    else if (kind < 11) this.#replace(this.#remote.install, this.#remote.epoch + 1);
    else this.#replace(this.#remote.install + 1, 1);
  }

  #replace(install: number, epoch: number): void {
    const before = this.#remote;
    this.#remote = new ModelRemote(install, epoch, install === before.install ? before : undefined);
    this.#poison = undefined;
    this.#cut(NETWORK);
    if (this.#work !== undefined) this.#endWork(NETWORK);
  }

  #crash(): void {
    this.#counts.crashes++;
    const lacking = this.#held.lacking.size > 0;
    this.#state = beginFollow(this.#held.marker, { once: this.#plan.once, left: { lacking, held: false } });
    this.#opening = this.#work = this.#feed = undefined;
    this.#read = [];
    this.#mayTakeState = true;
    this.#unknown = 0;
    this.#void = false;
    // Another process has another clock, and finds what is owed when it starts.
    this.#attemptedAt = Number.NEGATIVE_INFINITY;
    if (this.#owes) this.#tell({ input: 'local', owes: true });
  }

  #changeHere(): void {
    this.#changes++;
    this.#mayTakeState = true;
    this.#tell({ input: 'local', owes: true });
  }

  get #owes(): boolean {
    return this.#sent < this.#changes;
  }

  #tell(input: FollowInput): void {
    this.#state = this.#rules.take(this.#state, input, this.#now, () => this.#random.below(1000) / 1000);
  }

  /** One thing happens: what the follower decides, or what was begun goes on, or time passes. */
  #progress(): void {
    const { state, action } = this.#rules.decide(this.#state, this.#now);
    this.#state = state;
    if (action.do === 'stop') this.#stop(action.error);
    else if (action.do === 'open') this.#open(action.after);
    else if (action.do === 'state' || action.do === 'apply') this.#begin(action);
    else this.#goOn(action.until);
  }

  #goOn(until: number | null): void {
    const ways: (() => void)[] = [];
    if (this.#opening !== undefined) ways.push(() => this.#endOpening());
    if (this.#work !== undefined) ways.push(() => this.#endWork(this.#down ? NETWORK : undefined));
    if (this.#feed !== undefined) ways.push(() => this.#feedStep());
    if (ways.length > 0) this.#random.pick(ways)();
    if (until !== null && (ways.length === 0 || this.#random.chance(0.3))) this.#now = Math.max(this.#now, until);
  }

  #open(after: Marker | undefined): void {
    this.#attempt();
    this.#opening = after ?? 'now';
    if (after !== undefined) {
      if (this.#unknown >= 5) fail('F6 resumed after five failures at one point');
      return;
    }
    this.#mayTakeState = true;
    if (this.#unknown >= 5) {
      this.#void = true;
      this.#counts.renewed++;
    } else if (this.#held.marker !== null && !this.#void) fail('F8 not resumed, though the marker is good');
  }

  #attempt(): void {
    if (this.#now < this.#attemptedAt + 500) fail('F14 more than two attempts a second');
    this.#attemptedAt = this.#now;
  }

  #endOpening(): void {
    const asked = this.#opening as Marker | 'now';
    this.#opening = undefined;
    const { store, revision: head } = this.#remote;
    const refusal = this.#down ? NETWORK : this.#remote.refuses(asked);
    if (refusal) {
      if (refusal.code !== 'network') this.#void = this.#mayTakeState = true;
      this.#tell({ input: 'refused', error: refusal });
      return;
    }
    const after = asked === 'now' ? head : asked.revision;
    if (asked !== 'now') this.#counts.resumed++;
    this.#feed = { position: after, head, openedAt: this.#now };
    this.#read = [];
    this.#tell({ input: 'opened', store, after, head });
  }

  #feedStep(): void {
    const feed = this.#feed as Reading;
    const { revision, oldest, log, blobs } = this.#remote;
    if (this.#down || feed.position < oldest) this.#cut(NETWORK);
    else if (feed.position < revision && feed.position + 1 === this.#poison) this.#cut(DAMAGED);
    else {
      if (feed.position < revision) this.#read.push(log[feed.position++]);
      if (feed.position === revision || this.#random.chance(0.5))
        this.#tell({ input: 'batch', revision: feed.position, blobs });
    }
  }

  #cut(error: Failure): void {
    if (this.#feed === undefined) return;
    this.#lose();
    if (error === DAMAGED) this.#unknown++;
    this.#tell({ input: 'failed', of: 'feed', error });
  }

  #lose(): void {
    if (this.#feed && this.#now - this.#feed.openedAt >= 60_000) this.#unknown = 0;
    this.#feed = undefined;
  }

  #begin(action: Extract<Action, { do: 'state' | 'apply' }>): void {
    if (action.do === 'state') {
      if (!this.#mayTakeState) fail('F8 a state, though the feed was resumed');
      if (this.#feed === undefined) this.#attempt();
    }
    this.#work = { ...action, upTo: this.#feed?.position ?? 0, changes: this.#changes };
  }

  #endWork(error: Failure | undefined): void {
    const work = this.#work as Work;
    this.#work = undefined;
    const other = this.#held.marker !== null && this.#remote.isOther(this.#held.marker.store);
    if (error) this.#failWork(error);
    else if (work.do === 'state' && other) this.#failWork({ code: 'identity', message: 'another store' });
    else {
      if (work.do === 'state') this.#takeState(work.changes);
      else this.#applyRead(Math.max(work.upTo, this.#held.marker?.revision ?? 0));
      this.#tellApplied();
    }
  }

  #tellApplied(): void {
    const left = { lacking: this.#held.lacking.size > 0, held: false };
    if (left.lacking) this.#counts.lacking++;
    const { store } = this.#remote;
    this.#tell({ input: 'applied', store, revision: this.#held.marker?.revision ?? 0, left });
  }

  #failWork(error: Failure): void {
    this.#mayTakeState = true;
    // Of one connection.
    this.#lose();
    this.#tell({ input: 'failed', of: 'work', error });
  }

  /** A session; a replica may be behind the store that told the feed. */
  #takeState(changes: number): void {
    this.#counts.states++;
    const revision = Math.max(
      this.#remote.first,
      this.#remote.revision - (this.#random.chance(0.3) ? this.#random.below(3) : 0),
    );
    this.#sent = changes;
    // Of what came too early nothing follows.
    if (this.#state.needsState) this.#void = revision < this.#state.goal;
    const known = this.#held.marker?.store === this.#remote.store ? this.#held.marker.revision : -1;
    if (revision >= known) {
      if (revision > known) this.#unknown = 0;
      this.#hold(revision, this.#remote.history[revision]);
    }
    this.#mayTakeState = revision < this.#state.goal || this.#owes;
  }

  #applyRead(upTo: number): void {
    this.#counts.applied++;
    const from = this.#held.marker?.revision ?? 0;
    if (upTo > from) this.#unknown = 0;
    const refs = new Map([...this.#held.refs, ...this.#held.lacking]);
    for (const { revision, branch, tip } of this.#read) if (revision > from && revision <= upTo) refs.set(branch, tip);
    this.#hold(upTo, refs);
  }

  /** A tip is taken over where its data is to be had. */
  #hold(revision: number, wanted: ReadonlyMap<string, string>): void {
    const lacking = new Map([...wanted].filter(([, tip]) => this.#remote.lacks(tip)));
    const refs = new Map(this.#held.refs);
    for (const [branch, tip] of wanted) if (!lacking.has(branch)) refs.set(branch, tip);
    this.#held = { marker: { store: this.#remote.store, revision }, refs, lacking };
  }

  #stop(error: Failure | undefined): void {
    this.ended = { ...(error && { error }) };
    if (!error && !this.#plan.once) fail('F3 ended without being asked to');
    if (!error) {
      checkInSync('F3 ended', this.#seen());
      return;
    }
    const { marker } = this.#held;
    const other = marker !== null && this.#remote.isOther(marker.store);
    if (error.code !== 'identity' && !this.#plan.once) fail(`F3 gave up: ${error.code}`);
    if (error.code === 'identity' && !other) fail('F5 stopped by its own remote');
  }

  #check(): void {
    check(this.#seen());
  }

  #seen(): Seen {
    const [held, remote, standing, feedHead] = [this.#held, this.#remote, standingOf(this.#state), this.#feed?.head];
    return { held, standing, remote, feedHead, owes: this.#owes, ended: !!this.ended };
  }

  /** Nothing fails, nobody writes, all data comes. */
  #settle(): void {
    this.#down = false;
    while (this.#remote.blobComes());
    const until = this.#now + 900_000;
    const there = (): boolean =>
      standingOf(this.#state).status === 'in-sync' && this.#held.marker?.revision === this.#remote.revision;
    const done = (): boolean => this.ended !== undefined || (there() && !this.#plan.once);
    for (let i = 0; i < 3000 && !done() && this.#now <= until; i++) {
      this.#progress();
      this.#check();
    }
    if (!done()) fail('F3 never in sync, though the remote is quiet');
    const marker = this.#held.marker;
    if (!this.ended && marker !== null && this.#remote.isOther(marker.store)) fail('F5 goes on with another store');
  }
}
