/** Any history, any readers, any pace: what each follower is told adds up to what the store holds. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BranchId, NodeId, SnapshotId } from '../../src/core/ids.ts';
import type { FeedItem, Mark } from '../../src/core/peer.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { ANONYMOUS } from '../../src/hub/bearer-token.ts';
import type { HubMeta } from '../../src/hub/contract.ts';
import { Channel } from '../../src/hub/feed/channel.ts';
import { follow } from '../../src/hub/feed/follower.ts';
import { Pages } from '../../src/hub/feed/pages.ts';
import { type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import { STOPPING } from '../../src/wire/feed.ts';
import { decodeFeed } from '../../src/wire/feed-reader.ts';
import { seeded } from '../support/seed.ts';
import { asyncMeta, type MemoryMeta } from './memory-meta.ts';
import { BRANCH, VOLSET } from './support.ts';

const SIDE = 'd5'.repeat(16) as BranchId;
type Step =
  | { do: 'write'; bytes: number }
  | { do: 'snapshot'; branch: BranchId; cut: boolean }
  | { do: 'cut' | 'fill' | 'seen' | 'tick' }
  | { do: 'join'; share: number }
  | { do: 'read'; who: number; pieces: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), bytes: fc.constantFrom(1, 40_000) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('snapshot' as const),
        branch: fc.constantFrom(BRANCH, SIDE),
        cut: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('cut', 'fill', 'seen', 'tick' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), share: fc.nat(100) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        who: fc.nat(5),
        pieces: fc.integer({ min: 1, max: 4 }),
      }),
    },
  ) as fc.Arbitrary<Step>,
  { minLength: 5, maxLength: 50 },
);

/** One who takes pieces when told to, and keeps the bytes. */
class Reader {
  readonly after: number;
  readonly #pieces: AsyncGenerator<Uint8Array>;
  readonly #stop: AbortController;
  readonly #taken: Buffer[] = [];
  /** Under way: it may have to wait for news. */
  #next: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(pieces: AsyncGenerator<Uint8Array>, after: number, stop: AbortController) {
    this.#pieces = pieces;
    this.after = after;
    this.#stop = stop;
  }

  async take(pieces: number): Promise<void> {
    for (let n = 0; n < pieces; n++) {
      this.#next ??= this.#pieces.next();
      const step = await Promise.race([this.#next, idle()]);
      if (step === undefined) return;
      this.#next = undefined;
      assert.equal(step.done, false);
      this.#taken.push(Buffer.from(step.value as Uint8Array));
    }
  }

  /** All of it, as its client reads it. */
  async end(): Promise<FeedItem[]> {
    for (let size = -1; size !== this.#taken.length; ) {
      size = this.#taken.length;
      await this.take(1000);
    }
    this.#stop.abort();
    await this.#next;
    const bytes = Buffer.concat([...this.#taken, Buffer.from(STOPPING)]);
    const { items } = await decodeFeed(
      (async function* () {
        yield bytes;
      })(),
      this.after,
    );
    return Array.fromAsync(items);
  }
}

/** Several turns of the loop: whatever does not wait for news has happened by then. */
async function idle(): Promise<undefined> {
  for (let n = 0; n < 10; n++) await new Promise(setImmediate);
  return undefined;
}

class World implements Disposable {
  readonly meta: MetaStore = openMetaStore({ path: ':memory:', create: true });
  readonly channel: Channel;
  readonly #async: HubMeta;
  readonly #pages: Pages;
  readonly readers: Reader[] = [];
  readonly #tips = new Map<BranchId, SnapshotId>();
  #made = 0;

  constructor(ringBytes: number, keepBytes: number) {
    this.meta.commit(VOLSET, [
      { edit: 'create-volset', name: 'data', creator: 'me' },
      { edit: 'create-branch', branch: BRANCH, name: 'main', creator: 'me' },
      { edit: 'create-branch', branch: SIDE, name: 'side', creator: 'me' },
    ]);
    this.meta.cut(VOLSET);
    this.#async = asyncMeta(this.meta as unknown as MemoryMeta);
    this.channel = new Channel(VOLSET, this.#async, ringBytes);
    this.#pages = new Pages(this.#async, keepBytes);
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'write':
        return this.meta.commit(VOLSET, [
          { edit: 'set', register: 'volset:description', value: `${++this.#made}`.padEnd(step.bytes, '.') },
        ]);
      case 'snapshot':
        return this.#snapshot(step.branch, step.cut);
      case 'cut':
        return void this.meta.cut(VOLSET);
      case 'fill':
        return this.channel.fill();
      case 'seen':
        return this.channel.seen({ revision: this.meta.revision(VOLSET), blobs: this.meta.blobHead(VOLSET) });
      case 'tick':
        return this.channel.tick();
      case 'join':
        return this.join(Math.floor((this.meta.revision(VOLSET) * step.share) / 100));
      case 'read':
        return this.readers[step.who]?.take(step.pieces);
    }
  }

  async join(after: number): Promise<void> {
    await this.channel.fill();
    const stop = new AbortController();
    const pieces = follow(this.channel, this.#pages, after, {
      signal: stop.signal,
      stopped: () => false,
      check: async () => ANONYMOUS,
      told: () => {},
    });
    this.readers.push(new Reader(pieces, after, stop));
  }

  #snapshot(branch: BranchId, cut: boolean): void {
    const tip = this.#tips.get(branch) ?? null;
    const body = {
      type: 'snapshot' as const,
      volset: VOLSET,
      parents: tip === null ? [] : [tip],
      root: '0'.repeat(64) as NodeId,
      created: ++this.#made,
      creator: 'me',
      files: 0,
      bytes: 0,
    };
    const id = idOfBody(body);
    this.meta.commit(VOLSET, [{ edit: 'snapshot', id, body, blob: true }]);
    if (cut) this.meta.cut(VOLSET);
    this.meta.commit(VOLSET, [{ edit: 'move-ref', branch, from: tip, to: id }]);
    this.#tips.set(branch, id);
  }

  [Symbol.dispose](): void {
    this.channel.close();
    this.meta[Symbol.dispose]();
  }
}

/** All changes of the store by now, in order. */
function allChanges(meta: MetaStore): FeedItem[] {
  const items: FeedItem[] = [];
  for (let after = 0; ; ) {
    const { changes, revision, mark } = meta.changesAfter(VOLSET, after);
    items.push(...changes);
    if (mark) return [...items, { mark }];
    after = revision;
  }
}

const generationsOf = (items: FeedItem[]) => items.filter((item) => 'generation' in item);
/** Last word of each branch. */
const refsOf = (items: FeedItem[]) =>
  new Map(items.flatMap((item) => ('ref' in item ? [[item.ref.branch, item.ref]] : [])));

describe('hub: feeds, by chance', () => {
  it('whoever joins wherever and reads at whatever pace is told all of it once, in order', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom(1, 50_000, 4_000_000),
        fc.constantFrom(1, 1_000_000),
        async (all, ring, kept) => {
          using world = new World(ring, kept);
          await world.join(0);
          for (const step of all) await world.run(step);
          world.meta.cut(VOLSET);
          await world.channel.fill();
          const store = allChanges(world.meta);
          const { mark: last } = store.at(-1) as { mark: Mark };
          for (const reader of world.readers) {
            const items = await reader.end();
            const behind = store.filter((item) => 'revision' in item && item.revision > reader.after);
            assert.deepEqual(generationsOf(items), generationsOf(behind));
            assert.deepEqual(refsOf(items), refsOf(behind));
            assert.deepEqual(items.at(-1), { mark: last });
          }
        },
      ),
      seeded(80),
    );
  });
});
