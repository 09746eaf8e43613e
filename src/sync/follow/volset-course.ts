/** One volset of one remote: rounds with what its feed brings, ordinary sessions for the rest. */

import { PlaitError } from '../../core/errors.ts';
import type { Failure, FollowInput, Left, Marker } from '../../core/follow.ts';
import { epochOf, installOf, type StoreId, type VolsetId } from '../../core/ids.ts';
import type { RemoteConfig } from '../../meta/contract.ts';
import { isMetadataOnly } from '../blobs-down.ts';
import type { Engine } from '../engine.ts';
import { type Conclusion, conclude, replicateVolset } from '../replicate.ts';
import { pushes, type ReplicateOptions } from '../replicate-options.ts';
import { lastBlobs, lastSealed } from '../sealed.ts';
import { sessionOfFeed } from '../session.ts';
import { goesBeyond, identityOf, type Staged } from '../stage.ts';
import { stampStanding } from '../stamps.ts';
import { requireOwn, volsetOf } from '../which-volset.ts';
import type { Directory } from './directory.ts';
import type { FollowEvent } from './events.ts';
import { asFailure, unlessHalfTold } from './failures.ts';
import { type Batch, FeedReader } from './feed-reader.ts';
import { type Link, type Listener, linkTo, remoteNow } from './link.ts';
import type { Course, Opened } from './loop.ts';
import { closeLeftOpen, fingerprint, nextInQueue, owedNow } from './owed.ts';
import { type News, Teller } from './tell.ts';

/** A marker that moves and nothing else is written down at most so often. */
const FLUSH_MS = 1000;
/** In sync with nothing to do, it is said anew at most so often that all is there. */
export const STAMP_MS = 600_000;

export interface Following {
  engine: Engine;
  directory: Directory;
  options: ReplicateOptions;
  emit: (event: FollowEvent) => void;
  /** Milliseconds of a clock that only goes forward. */
  now: () => number;
}

export class VolsetCourse implements Course {
  readonly marker: Marker | null;
  volset: VolsetId | undefined;
  /** Of the last round; conflicts of all. */
  #exits: number[] = [];
  #conflicts = false;
  readonly #of: Following;
  /** Rounds leave the directory alone: it has a turn of its own. */
  readonly #engine: Engine;
  readonly #name: string;
  readonly #teller: Teller;
  #options: ReplicateOptions;
  #reader: FeedReader | undefined;
  /** How far the remote is here. */
  #rev: number | null;
  /** What it had come to, but for the database. */
  #moved: { store: StoreId; staged: Staged } | undefined;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #stampedAt = Number.NEGATIVE_INFINITY;
  #inSync = false;
  #left: Left = { lacking: false, held: false };
  /** A round that failed may have taken records and no more. */
  #undone = false;
  /** Fingerprint of this side. */
  #seen: string | undefined;
  /** A round of ours changed something: what is owed is to be looked at, changed or not. */
  #again = false;
  #hasLooked = false;
  #open = false;
  /** When something in the queue is due, milliseconds since the epoch. */
  #due = Number.POSITIVE_INFINITY;

  constructor(of: Following, remote: RemoteConfig) {
    this.#of = of;
    const { volume: _, ...engine } = of.engine;
    this.#engine = engine;
    this.#name = remote.name;
    this.#options = of.options;
    this.#teller = new Teller((news) => this.news(news));
    if (of.engine.volsetName === undefined) this.volset = remote.volset;
    this.marker = this.volset === undefined ? null : markerOf(of.engine, remote, this.volset);
    this.#rev = this.marker?.revision ?? null;
  }

  connect(): Promise<Link> {
    return linkTo(this.#engine, this.#name, this.#options);
  }

  #remote(): RemoteConfig {
    return remoteNow(this.#engine, this.#name);
  }

  async open({ peer }: Link, after: Marker | undefined, listener: Listener): Promise<Opened> {
    const volset = await this.#about(peer);
    const feed = await peer.changes(volset, after ? { after: after.revision, store: after.store } : {});
    this.#reader = new FeedReader(feed, listener);
    return { store: identityOf(peer), after: feed.after, head: feed.head, reader: this.#reader };
  }

  async #about(peer: Link['peer']): Promise<VolsetId> {
    const { engine } = this.#of;
    const remote = this.#remote();
    this.volset ??= await volsetOf(engine, remote, peer);
    if (this.#sends) requireOwn(engine, remote, this.volset);
    return this.volset;
  }

  get #sends(): boolean {
    return pushes('sync', this.#options);
  }

  async state({ peer }: Link): Promise<FollowInput> {
    const volset = await this.#about(peer);
    const before = fingerprint(this.#engine, this.#name, volset);
    this.#seen = before;
    const meeting = { peer, remote: this.#remote(), volset, follow: true };
    const conclusion = await replicateVolset(this.#engine, 'sync', meeting, this.#options);
    // Said for one contact: another store, or another loss, is another question.
    this.#options = { ...this.#options, acceptNewIdentity: false, acceptRollback: false };
    // What could not be sent now will not be sent by saying it again.
    this.#again = this.#saw(volset) !== before;
    return this.#concluded(volset, identityOf(peer), conclusion, true);
  }

  async apply({ peer }: Link, retry: boolean): Promise<FollowInput> {
    const { volset } = this;
    const batch = this.#reader?.take(this.#rev ?? 0);
    const told = this.#remote();
    // Another command may have taken another store for this remote; who tells is who was connected to.
    const store = identityOf(peer);
    if (volset === undefined || batch === undefined || told.identity !== store) return { input: 'unfit' };
    const staged = this.#stagedOf(batch, store, volset);
    if (this.#isKnown(batch, store, volset) && !(retry && this.#left.lacking)) {
      if (retry) this.#left = { ...this.#left, held: await this.#forward(volset) };
      return this.#noted(staged);
    }
    const session = sessionOfFeed(this.#engine, told, peer, volset, staged);
    if (!session) return { input: 'unfit' };
    const since = { at: this.#engine.world.now(), traffic: { ...peer.traffic } };
    this.#undone = true;
    const conclusion = await conclude(session, 'pull', { follow: true, since }, this.#options).catch(unlessHalfTold);
    if (!conclusion) return { input: 'unfit' };
    this.#saw(volset);
    this.#again = true;
    return this.#concluded(volset, store, conclusion, retry || !this.#left.held);
  }

  #stagedOf({ generations, refs, revision, mark }: Batch, identity: StoreId, volset: VolsetId): Staged {
    const { meta } = this.#engine;
    const install = installOf(identity);
    // Without a mark more is to come, and the remote holds at least what it held before.
    const vector = mark?.vector ?? meta.peer(install, volset)?.vector ?? {};
    const sealed = lastSealed(meta, install, volset);
    const blobs = Math.max(mark?.blobs ?? 0, lastBlobs(meta, identity, volset));
    return { identity, generations, refs, vector, revision, sealed, blobs, absent: false };
  }

  /** What we sent ourselves comes back, or came another way. */
  #isKnown({ generations, refs, mark }: Batch, identity: StoreId, volset: VolsetId): boolean {
    const { meta } = this.#engine;
    if (this.#undone) return false;
    if (mark === undefined ? generations.length > 0 : goesBeyond(mark.vector, meta.vector(volset))) return false;
    if (refs.length === 0) return true;
    const known = new Map(meta.refs(volset, identity).map(({ branch, snapshot }) => [branch, snapshot]));
    // Where ours differs, a round that was cut off or a fetch of another command may have learned it and no more.
    const own = new Map(meta.refs(volset, 'self').map(({ branch, snapshot }) => [branch, snapshot]));
    return refs.every(
      ({ branch, snapshot }) => known.get(branch) === snapshot && (own.get(branch) ?? null) === snapshot,
    );
  }

  #noted(staged: Staged): FollowInput {
    const { identity: store, revision } = staged;
    if (revision > (this.#rev ?? 0)) this.#moved = { store, staged };
    this.#rev = revision;
    return { input: 'applied', store, revision, left: this.#left };
  }

  /** `forward`: the directory is looked at, which may mean all of its files. */
  async #concluded(volset: VolsetId, store: StoreId, conclusion: Conclusion, forward: boolean): Promise<FollowInput> {
    // What we sent has raised it since: that comes back in the feed, with what others may have written in between.
    const { progress, exits, result, revision } = conclusion;
    this.#rev = revision;
    this.#moved = undefined;
    this.#undone = false;
    const behind = progress.steps.some(({ step, branch }) => step === 'take' && !progress.ours.moved.has(branch));
    this.#teller.round(this.#engine.meta, volset, conclusion);
    const held = forward ? await this.#forward(volset) : this.#left.held;
    this.#left = { lacking: behind && !this.#withoutData(volset), held };
    this.#exits = exits;
    this.#conflicts ||= result.conflicts.length > 0;
    return { input: 'applied', store, revision, left: this.#left };
  }

  #withoutData(volset: VolsetId): boolean {
    const kept = isMetadataOnly({ engine: this.#engine, volset });
    return kept || (this.#options.selection.metadataOnly ?? this.#remote().selection?.metadataOnly ?? false);
  }

  /** Of a run that ends in sync. */
  get exits(): number[] {
    return [...this.#exits, ...(this.#conflicts ? [5] : []), ...(this.#left.held ? [8] : [])];
  }

  /** The directory may have been left behind by a run before. */
  get left(): Left {
    const { volume } = this.#of.engine;
    return { lacking: false, held: volume !== undefined && volume.state.volset === this.volset };
  }

  #forward(volset: VolsetId): Promise<boolean> {
    return this.#of.directory.forward(volset, (news) => this.news(news));
  }

  look(): FollowInput[] {
    try {
      if (this.#of.now() - this.#flushedAt >= FLUSH_MS) this.flush();
      if (this.#inSync && this.#of.now() - this.#stampedAt >= STAMP_MS) this.#stamp();
      return this.volset === undefined ? [] : this.#lookAt(this.volset);
    } catch (error) {
      // The remote was taken away or switched off by another command, or the database cannot be written now.
      if (error instanceof PlaitError) return [{ input: 'failed', of: 'feed', error: asFailure(error) }];
      throw error;
    }
  }

  /** The feed stands, and nothing is owed to either side. */
  #stamp(): void {
    this.#stampedAt = this.#of.now();
    if (this.volset === undefined) return;
    stampStanding(this.#engine, this.#name, this.volset, { exits: this.exits, sends: this.#sends });
  }

  #lookAt(volset: VolsetId): FollowInput[] {
    this.#remote();
    this.#open = closeLeftOpen(this.#engine, volset, this.#open);
    const released: FollowInput[] =
      this.#left.held && this.#of.directory.isReleased ? [{ input: 'local', owes: false }] : [];
    const isChanged = this.#seen !== this.#saw(volset);
    if (!isChanged && !this.#again && this.#engine.world.now() < this.#due) return released;
    const isFirst = !this.#hasLooked;
    [this.#again, this.#hasLooked] = [false, true];
    const owes = this.#owes(volset, isFirst);
    // What our own rounds changed is no reason to try again what they could not do.
    return owes || isChanged ? [{ input: 'local', owes }] : released;
  }

  #saw(volset: VolsetId): string {
    this.#seen = fingerprint(this.#engine, this.#name, volset);
    return this.#seen;
  }

  #owes(volset: VolsetId, isFirst: boolean): boolean {
    this.#due = Number.POSITIVE_INFINITY;
    if (!this.#sends && !isFirst) return false;
    const { owes, lacks, diverged } = owedNow(this.#engine, this.#remote(), volset, this.#options.selection);
    if (this.#sends) this.#due = nextInQueue(this.#engine, this.#name, volset) ?? Number.POSITIVE_INFINITY;
    // What a run before left undone; and each run tells of the branches that have parted.
    return (owes && this.#sends) || (isFirst && (lacks || diverged));
  }

  flush(): void {
    this.#flushedAt = this.#of.now();
    const { volset } = this;
    if (this.#moved === undefined || volset === undefined) return;
    const { store, staged } = this.#moved;
    const { vector, revision } = staged;
    const install = installOf(store);
    const known = this.#engine.meta.peer(install, volset);
    // Another command has been further meanwhile.
    if (known?.epoch === epochOf(store) && known.revision > revision) {
      this.#moved = undefined;
      return;
    }
    const lastSync = this.#engine.world.now();
    this.#engine.meta.updatePeer(install, volset, { epoch: epochOf(store), vector, revision, lastSync });
    this.#moved = undefined;
  }

  news(news: News): void {
    if (news.event === 'status') this.#inSync = news.status === 'in-sync';
    const volsetId = this.volset ?? null;
    const volset = (this.volset && this.#engine.meta.findVolset(this.volset)?.name) ?? null;
    this.#of.emit({ ...news, remote: this.#name, volset, volsetId, rev: this.#rev });
  }

  problem(failure: Failure): void {
    this.#teller.failure(failure, null);
  }
}

/** Undefined where nothing is known of the store that answered there last. */
function markerOf({ meta }: Engine, { identity }: RemoteConfig, volset: VolsetId): Marker | null {
  const told = identity && meta.peer(installOf(identity), volset);
  if (!told || told.epoch !== epochOf(identity) || told.revision === 0) return null;
  return { store: identity, revision: told.revision };
}
