/** Followers of a real hub, and somebody who writes to its store beside it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BranchId, NodeId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Feed, FeedAsk, FeedItem, HeadFeed, Mark, Peer } from '../../src/core/peer.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { type MetaStore, openMetaStore } from '../../src/meta/index.ts';

/** What a feed said so far, read as fast as it comes. */
export class Heard<T> {
  readonly items: T[] = [];
  /** How it ended: null without an error, undefined while it goes on. */
  end: unknown;
  readonly ended: Promise<void>;
  #news = Promise.withResolvers<void>();

  constructor(items: AsyncIterable<T>) {
    this.ended = this.#read(items);
  }

  async #read(items: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of items) {
        this.items.push(item);
        this.#tell();
      }
      this.end = null;
    } catch (error) {
      this.end = error;
    }
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** Waits for one that holds, among those from `from` on. */
  async until(holds: (item: T) => boolean, from = 0): Promise<T> {
    for (let i = from; ; ) {
      for (; i < this.items.length; i++) if (holds(this.items[i])) return this.items[i];
      if (this.end !== undefined) throw this.end ?? new Error('the feed has ended');
      await this.#news.promise;
    }
  }
}

export class Follower extends Heard<FeedItem> {
  readonly feed: Feed;

  constructor(feed: Feed) {
    super(feed.items);
    this.feed = feed;
  }

  static async open(peer: Peer, volset: VolsetId, ask: FeedAsk = {}): Promise<Follower> {
    return new Follower(await peer.changes(volset, ask));
  }

  /** The first mark there or behind. */
  async reached(revision: number): Promise<Mark> {
    const found = await this.until((item) => 'mark' in item && item.mark.revision >= revision);
    return (found as { mark: Mark }).mark;
  }

  /** Without marks. */
  get changes(): FeedItem[] {
    return this.items.filter((item) => !('mark' in item));
  }

  get marks(): Mark[] {
    return this.items.flatMap((item) => ('mark' in item ? [item.mark] : []));
  }

  async close(): Promise<void> {
    await this.feed[Symbol.asyncDispose]();
    await this.ended;
  }
}

export type HeadItem = HeadFeed['items'] extends AsyncIterable<infer T> ? T : never;

const ROOT = '0'.repeat(64) as NodeId;

/** Another process of the hub's store, which the hub does not hear of. */
export class Beside implements Disposable {
  readonly meta: MetaStore;
  readonly volset: VolsetId;
  readonly branch = randomBytes(16).toString('hex') as BranchId;
  #tip: SnapshotId | null = null;
  #made = 0;
  readonly #path: string;
  #db: DatabaseSync | undefined;

  constructor(real: { dir: string }, volset = randomBytes(16).toString('hex') as VolsetId) {
    this.#path = join(real.dir, 'meta.db');
    this.meta = openMetaStore({ path: this.#path });
    this.volset = volset;
  }

  begin(name = 'data'): this {
    this.meta.commit(this.volset, [
      { edit: 'create-volset', name, creator: 'me' },
      { edit: 'create-branch', branch: this.branch, name: 'main', creator: 'me' },
    ]);
    this.meta.cut(this.volset);
    return this;
  }

  /** One generation; answers the revision. */
  write(value = `value ${++this.#made}`): number {
    this.meta.commit(this.volset, [{ edit: 'set', register: 'volset:description', value }]);
    this.meta.cut(this.volset);
    return this.revision;
  }

  /** One generation of about so many bytes, which follows others of the same name. */
  fill(bytes: number, name = 'fill'): number {
    const edits = Array.from({ length: Math.ceil(bytes / 60_000) }, (_, i) => ({
      edit: 'set' as const,
      register: `volset:attr:${name}${i}` as const,
      value: randomBytes(30_000).toString('hex'),
    }));
    this.meta.commit(this.volset, edits);
    this.meta.cut(this.volset);
    return this.revision;
  }

  /** A snapshot whose ref moves while its generation is open: told behind it. */
  snapshot(): number {
    const body = {
      type: 'snapshot' as const,
      volset: this.volset,
      parents: this.#tip === null ? [] : [this.#tip],
      root: ROOT,
      created: ++this.#made,
      creator: 'me',
      files: 0,
      bytes: 0,
    };
    const id = idOfBody(body);
    this.meta.commit(this.volset, [
      { edit: 'snapshot', id, body, blob: true },
      { edit: 'move-ref', branch: this.branch, from: this.#tip, to: id },
    ]);
    this.#tip = id;
    this.meta.cut(this.volset);
    return this.revision;
  }

  get revision(): number {
    return this.meta.revision(this.volset);
  }

  /** What the store is told to keep, by anybody. */
  pins(): { name: string; revision: number; until: number }[] {
    this.#db ??= new DatabaseSync(this.#path, { readOnly: true });
    return this.#db.prepare('SELECT name, revision, until FROM pins').all() as unknown as ReturnType<Beside['pins']>;
  }

  [Symbol.dispose](): void {
    this.#db?.close();
    this.meta[Symbol.dispose]();
  }
}
