/**
 * All volsets of one remote: its feed of heads says which of them moved, and each of those gets an ordinary session, one
 * after the other. One that fails stops no other, and is tried again.
 */
import { PlaitError } from '../../core/errors.ts';
import type { Failure, FollowInput, Left } from '../../core/follow.ts';
import { epochOf, installOf, type StoreId, type VolsetId } from '../../core/ids.ts';
import type { Head, HeadFeed } from '../../core/peer.ts';
import type { RemoteConfig } from '../../meta/contract.ts';
import { remoteWith } from '../all-volsets.ts';
import type { Engine } from '../engine.ts';
import { replicateVolset } from '../replicate.ts';
import { pushes } from '../replicate-options.ts';
import { lastBlobs } from '../sealed.ts';
import { identityOf } from '../stage.ts';
import { stampStanding } from '../stamps.ts';
import { asFailure } from './failures.ts';
import { HeadReader } from './head-reader.ts';
import { type Link, type Listener, linkTo, remoteNow } from './link.ts';
import type { Course, Opened } from './loop.ts';
import { closeLeftOpen, fingerprint, type HeadRow, owedNow } from './owed.ts';
import { type News, Teller } from './tell.ts';
import { type Following, STAMP_MS } from './volset-course.ts';

export class MirrorCourse implements Course {
  readonly marker = null;
  readonly #of: Following;
  readonly #engine: Engine;
  readonly #name: string;
  readonly #tellers = new Map<VolsetId | null, Teller>();
  readonly #exits = new Map<VolsetId, number[]>();
  #options: Following['options'];
  /** As the remote last told them, of those not looked at since. */
  readonly #moved = new Map<VolsetId, Head | null>();
  /** Of ours, those that it lacks something of; and those whose session failed. */
  readonly #owed = new Set<VolsetId>();
  readonly #failed = new Set<VolsetId>();
  readonly #held = new Set<VolsetId>();
  readonly #seen = new Map<VolsetId, string>();
  readonly #open = new Set<VolsetId>();
  /** Counts what was told, for no revision is of all volsets. */
  #told = 0;
  #inSync = false;
  #stampedAt = Number.NEGATIVE_INFINITY;

  constructor(of: Following, remote: RemoteConfig) {
    this.#of = of;
    const { volume: _, ...engine } = of.engine;
    this.#engine = engine;
    this.#name = remote.name;
    this.#options = of.options;
  }

  get exits(): number[] {
    return [...this.#exits.values()].flat().concat(this.#held.size > 0 ? [8] : []);
  }

  get left(): Left {
    return { lacking: this.#failed.size > 0, held: this.#held.size > 0 };
  }

  connect(): Promise<Link> {
    return linkTo(this.#engine, this.#name, this.#options);
  }

  #remote(): RemoteConfig {
    return remoteNow(this.#engine, this.#name);
  }

  async open({ peer }: Link, _: unknown, listener: Listener): Promise<Opened> {
    const feed: HeadFeed = await peer.heads();
    const after = this.#told;
    const moved = (volset: VolsetId, head: Head | null): number => {
      this.#moved.set(volset, head);
      return ++this.#told;
    };
    // The first mark ends what there is: in sync with it, and not before.
    const reader = new HeadReader(feed, listener, {
      moved,
      marked: () => (this.#told = Math.max(this.#told, after + 1)),
    });
    return { store: identityOf(peer), after, head: after + 1, reader };
  }

  state(link: Link): Promise<FollowInput> {
    return this.apply(link);
  }

  async apply({ peer }: Link): Promise<FollowInput> {
    const store = identityOf(peer);
    const revision = this.#told;
    const todo = new Set([...this.#owed, ...this.#failed, ...this.#held]);
    for (const [volset, head] of this.#moved) if (this.#isNews(store, volset, head)) todo.add(volset);
    this.#moved.clear();
    for (const volset of [...todo].sort()) {
      await this.#session(peer, volset);
      // Of those behind a session that is lost, nothing here would tell again.
      this.#owed.delete(volset);
    }
    this.#options = { ...this.#options, acceptNewIdentity: false, acceptRollback: false };
    return { input: 'applied', store, revision, left: this.left };
  }

  /** `head` null: gone, which a session with a volset that we know tells more of. */
  #isNews(store: StoreId, volset: VolsetId, head: Head | null): boolean {
    const { meta } = this.#engine;
    const told = meta.peer(installOf(store), volset);
    if (told === undefined) return head !== null;
    if (head === null) return meta.findVolset(volset) !== undefined;
    if (told.epoch !== epochOf(store) || told.revision !== head.revision) return true;
    return head.blobs > lastBlobs(meta, store, volset) && meta.lackedBlobs(volset).length > 0;
  }

  async #session(peer: Link['peer'], volset: VolsetId): Promise<void> {
    const engine = this.#engine;
    const teller = this.#teller(volset);
    this.#seen.set(volset, fingerprint(engine, this.#name, volset));
    const remote = remoteWith(engine, this.#remote())(volset);
    try {
      const done = await replicateVolset(engine, 'sync', { peer, remote, volset, follow: false }, this.#options);
      teller.round(engine.meta, volset, done);
      this.#failed.delete(volset);
      this.#exits.set(volset, done.exits);
      const held = await this.#of.directory.forward(volset, (news) => this.#emit(volset, news));
      this.#held[held ? 'add' : 'delete'](volset);
    } catch (error) {
      engine.signal.throwIfAborted();
      this.#failed.add(volset);
      // Every other would meet the same.
      if (!(error instanceof PlaitError) || error.retryable || OF_THE_REMOTE.has(error.code)) throw error;
      this.#exits.set(volset, [error.exit]);
      teller.failure(asFailure(error), 'volset');
    }
  }

  look(): FollowInput[] {
    try {
      if (this.#inSync && this.#of.now() - this.#stampedAt >= STAMP_MS) this.#stamp();
      const remote = this.#remote();
      let changed = false;
      for (const row of this.#ours()) {
        const { volset } = row;
        const isOpen = closeLeftOpen(this.#engine, volset, this.#open.has(volset), row);
        this.#open[isOpen ? 'add' : 'delete'](volset);
        const now = fingerprint(this.#engine, this.#name, volset, row.open && !isOpen ? undefined : row);
        if (now === this.#seen.get(volset)) continue;
        this.#seen.set(volset, now);
        changed = true;
        const about = remoteWith(this.#engine, remote)(volset);
        const { owes, lacks } = owedNow(this.#engine, about, volset, this.#options.selection);
        if (owes || (lacks && remote.identity !== undefined)) this.#owed.add(volset);
      }
      if (this.#of.directory.isReleased) changed = true;
      return changed ? [{ input: 'local', owes: this.#owed.size > 0 }] : [];
    } catch (error) {
      if (error instanceof PlaitError) return [{ input: 'failed', of: 'feed', error: asFailure(error) }];
      throw error;
    }
  }

  /** Deleted ones too, where the remote was told of them. Of a run that only takes: none. */
  #ours(): HeadRow[] {
    if (!pushes('sync', this.#options)) return [];
    const { meta } = this.#engine;
    const { identity } = this.#remote();
    const live = new Set(meta.listVolsets().map(({ id }) => id));
    const isTold = (volset: VolsetId) => identity !== undefined && meta.peer(installOf(identity), volset) !== undefined;
    return meta.heads().filter(({ volset }) => live.has(volset) || isTold(volset));
  }

  /** Of all volsets at once. */
  #stamp(): void {
    this.#stampedAt = this.#of.now();
    stampStanding(this.#engine, this.#name, null, { exits: this.exits, sends: pushes('sync', this.#options) });
  }

  flush(): void {}

  news(news: News): void {
    if (news.event === 'status') this.#inSync = news.status === 'in-sync';
    this.#emit(null, news);
  }

  #emit(volsetId: VolsetId | null, news: News): void {
    const { meta } = this.#engine;
    const { identity } = this.#remote();
    const told = volsetId === null || !identity ? undefined : meta.peer(installOf(identity), volsetId);
    const volset = (volsetId && meta.findVolset(volsetId)?.name) ?? null;
    this.#of.emit({ ...news, remote: this.#name, volset, volsetId, rev: told?.revision ?? null });
  }

  #teller(volset: VolsetId | null): Teller {
    const known = this.#tellers.get(volset) ?? new Teller((news) => this.#emit(volset, news));
    this.#tellers.set(volset, known);
    return known;
  }

  problem(failure: Failure): void {
    this.#teller(null).failure(failure, null);
  }
}

const OF_THE_REMOTE: ReadonlySet<string> = new Set(['identity', 'unauthorized']);
