/** Parts of uploads made by hand, and a hub's clock and timers. */
import { randomBytes } from 'node:crypto';
import { manifest } from '../../../src/blob/manifest/index.ts';
import { KIND, objectHash, unhex } from '../../../src/core/hash.ts';
import type { SnapshotId, StoreId, VolsetId } from '../../../src/core/ids.ts';
import type { Offer, OfferAnswer, PartAnswer } from '../../../src/core/peer.ts';
import { writeBlobDiff } from '../../../src/transfer/blob-diff.ts';
import type { DiffEntry } from '../../../src/transfer/diff-format.ts';
import { TransferServer, type TransferServerOptions } from '../../../src/transfer/server.ts';
import type { Caller, TransferClaims, TransferTokens } from '../../../src/wire/transfer-service.ts';
import type { MadeSnapshot } from './history.ts';
import { blocksOf, type Loose, type TestStore, VOLSET } from './stores.ts';

export const tokens: TransferTokens = {
  sign: (claims) => JSON.stringify(claims),
  verify: (token) => JSON.parse(token) as TransferClaims,
};

export const callerOf = (owner: string): Caller => ({ owner, label: owner, can: () => true });

/** A hub in this process, whose time only passes when it is told to. */
export class StillHub {
  now = 1_000_000;
  readonly timers = new Map<number, { at: number; run: () => void }>();
  readonly failures: unknown[] = [];
  readonly store: TestStore;
  readonly options: Partial<TransferServerOptions>;
  server: TransferServer;
  #timers = 0;

  constructor(store: TestStore, options: Partial<TransferServerOptions> = {}) {
    this.store = store;
    this.options = options;
    this.server = this.#serve();
  }

  #serve(): TransferServer {
    return new TransferServer({
      ...this.store,
      manifest,
      tokens,
      now: () => this.now,
      randomId: () => randomBytes(16).toString('hex'),
      onFailure: (error) => this.failures.push(error),
      timer: (ms, run) => {
        const n = ++this.#timers;
        this.timers.set(n, { at: this.now + ms, run });
        return () => this.timers.delete(n);
      },
      ...this.options,
    });
  }

  async restart(): Promise<void> {
    await this.server.close();
    this.server = this.#serve();
  }

  pass(ms: number): void {
    this.now += ms;
    for (const [n, { at, run }] of [...this.timers]) {
      if (at > this.now) continue;
      this.timers.delete(n);
      run();
    }
  }

  async offer(
    made: MadeSnapshot[],
    {
      owner = 'one',
      volset = VOLSET,
      bytes = 1000,
      bases = [] as SnapshotId[],
      self = undefined as StoreId | undefined,
    } = {},
  ): Promise<OfferAnswer[]> {
    const offers: Offer[] = made.map(({ id, body }, n) => ({
      id,
      body,
      bytes,
      chunks: 1,
      baseCandidates: bases,
      ...(self && { number: n + 1 }),
    }));
    return this.server.answerOffers(volset, offers, callerOf(owner), self && { self, missing: [] });
  }

  /** Claims of the first transfer that is agreed on. */
  async agree(made: MadeSnapshot[], options: Parameters<StillHub['offer']>[1] = {}): Promise<TransferClaims> {
    const answers = await this.offer(made, options);
    for (const answer of answers) if (answer.answer === 'want') return tokens.verify(answer.token);
    throw new Error(`nothing is wanted: ${JSON.stringify(answers)}`);
  }

  send(claims: TransferClaims, part: Uint8Array[], signal = new AbortController().signal): Promise<PartAnswer> {
    return this.server.receive(claims, each(part), signal);
  }

  /** 1 for each object of the snapshot that is held. */
  async held(claims: TransferClaims, objects: Loose[]): Promise<number> {
    let count = 0;
    for (const { kind, id } of objects)
      if (kind !== KIND.snapshot) count += (await this.server.have(claims, kind as 0 | 1, id))[0];
    return count;
  }
}

export async function* each(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // The receiver takes memory over; a part may be sent again.
  for (const piece of pieces) yield Uint8Array.from(piece);
}

/** Everything that a snapshot consists of. */
export function objectsOf({ blob }: TestStore, { id, body, bytes }: MadeSnapshot): Loose[] {
  const reader = blob.reader(body.volset);
  const found = new Map<string, Loose>();
  for (const ref of manifest.reachable(reader, body.root)) {
    const key = `${ref.kind}${Buffer.from(ref.id).toString('hex')}`;
    if (!found.has(key)) found.set(key, { ...ref, bytes: Uint8Array.from(reader.readObject(ref.kind, ref.id)) });
  }
  return [...found.values(), { kind: KIND.snapshot, id: unhex(id), bytes }];
}

export const noiseChunk = (bytes: Uint8Array): Loose => ({
  kind: KIND.chunk,
  id: objectHash(KIND.chunk, bytes),
  bytes,
});

/** One part: these objects, then these markers. */
export async function partOf(
  objects: Loose[],
  markers: MadeSnapshot[] = [],
  volset: VolsetId = VOLSET,
): Promise<Uint8Array[]> {
  const entries: DiffEntry[] = blocksOf(objects).map((bytes) => ({ entry: 'block', bytes }));
  for (const { id, bytes } of markers) entries.push({ entry: 'snapshot', id, bytes });
  const header = { volset, part: true, snapshots: markers.map(({ id }) => ({ id, base: null })) } as const;
  return Array.fromAsync(writeBlobDiff(header, eachEntry(entries)));
}

async function* eachEntry(entries: DiffEntry[]): AsyncGenerator<DiffEntry> {
  yield* entries;
}

/** Split into so many parts, with the marker in one more. */
export async function partsOf(objects: Loose[], made: MadeSnapshot, count: number): Promise<Uint8Array[][]> {
  const size = Math.ceil(objects.length / count);
  const parts: Uint8Array[][] = [];
  for (let at = 0; at < objects.length; at += size) parts.push(await partOf(objects.slice(at, at + size)));
  return [...parts, await partOf([], [made])];
}
