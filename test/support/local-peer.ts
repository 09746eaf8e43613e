/**
 * Another store in this process as a Peer, straight on its metadata: no routes, timers or tokens as in src/hub/in-process,
 * so that a seed decides everything and a process may die between any two of its calls.
 */
import { PlaitError } from '../../src/core/errors.ts';
import type { SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import type {
  DeltasAnswer,
  DeltasAsk,
  Offer,
  OfferAnswer,
  OfferSender,
  PartAnswer,
  Peer,
  PeerRights,
  PeerVolset,
  RefMove,
  Sender,
  Share,
  Traffic,
  Transfer,
  Want,
  WantAnswer,
} from '../../src/core/peer.ts';
import type { AnyRecord, Generation, Ref, Vector } from '../../src/core/records.ts';
import type { MetaStore } from '../../src/meta/contract.ts';
import type { TransferServer } from '../../src/transfer/server.ts';
import type { Caller, TransferClaims } from '../../src/wire/transfer-service.ts';

interface Served {
  meta: MetaStore;
  transfer: TransferServer;
}

const caller: Caller = { owner: 'tester', label: 'tester', can: () => true };

export class LocalPeer implements Peer {
  readonly url: string;
  readonly traffic: Traffic = { requests: 0, sent: 0, received: 0 };
  /** Calls by method, to show what a session did not do. */
  readonly calls: Record<string, number> = {};
  /** Runs between the plan of an answer and each page of it: another process of that store works on. */
  meanwhile: () => Promise<void> = async () => {};
  #identity: StoreId | undefined;
  readonly #serve: () => Served;
  readonly #self: () => StoreId;

  /** `serve`: the store that answers, as it is open at that moment. `self`: who asks. */
  constructor(url: string, serve: () => Served, self: () => StoreId) {
    this.url = url;
    this.#serve = serve;
    this.#self = self;
  }

  get identity(): StoreId | undefined {
    return this.#identity;
  }

  /** One request. A store never talks to itself, and must stay the same for all of a session. */
  #enter(method: string): Served {
    this.traffic.requests++;
    this.calls[method] = (this.calls[method] ?? 0) + 1;
    const served = this.#serve();
    const { store } = served.meta.self;
    if (store === this.#self()) throw new PlaitError('identity', 'this hub is the very store that asks');
    if (this.#identity !== undefined && this.#identity !== store) {
      throw new PlaitError('identity', `${this.url} is another store than before`);
    }
    this.#identity = store;
    return served;
  }

  async listVolsets(): Promise<PeerVolset[]> {
    const { meta } = this.#enter('listVolsets');
    return meta.listVolsets().map(({ id, name }) => ({ id, name: name ?? id, branches: meta.listBranches(id) }));
  }

  async rights(): Promise<PeerRights> {
    this.#enter('rights');
    return { can: ['read', 'append', 'write', 'delete', 'admin'], volset: null };
  }

  async holds(volset: VolsetId, ids: SnapshotId[]): Promise<SnapshotId[]> {
    const { meta } = this.#enter('holds');
    const missing = new Set(meta.missingBlobs(volset, ids));
    return ids.filter((id) => !missing.has(id));
  }

  async createVolset(): Promise<void> {
    this.#enter('createVolset');
  }

  async deltas(volset: VolsetId, ask: DeltasAsk): Promise<DeltasAnswer> {
    const { meta } = this.#enter('deltas');
    if (!meta.knowsVolset(volset)) throw new PlaitError('not-found', 'no such volume set here');
    const plan = meta.planDeltas(volset, copy(ask.vector), ask.knownRevision, ask.chains && copy(ask.chains));
    const { refs, vector, revision } = copy(plan);
    const sealed = copy(meta.sealed({ volset, sender: ask.self, owner: caller.owner }));
    return {
      refs,
      generations: this.#pages(meta, volset, plan.cursor),
      trailer: async () => ({ vector, revision, generations: plan.generations, sealed, blobs: meta.blobHead(volset) }),
    };
  }

  async *#pages(meta: MetaStore, volset: VolsetId, first: string): AsyncGenerator<Generation> {
    for (let cursor: string | undefined = first; cursor !== undefined; ) {
      await this.meanwhile();
      const page = meta.readDeltas(volset, cursor);
      yield* copy(page.generations);
      cursor = page.cursor;
    }
  }

  async state(): Promise<never> {
    throw new Error('the simulation has no feeds: test/properties/follow-model.ts has');
  }

  changes(): Promise<never> {
    return this.state();
  }

  heads(): Promise<never> {
    return this.state();
  }

  async sendGenerations(
    volset: VolsetId,
    generations: Iterable<Generation> | AsyncIterable<Generation>,
    { label, vector }: Sender,
  ): ReturnType<Peer['sendGenerations']> {
    const { meta } = this.#enter('sendGenerations');
    const round = {
      peer: this.#self(),
      generations: copy(await Array.fromAsync(generations)),
      label,
      held: copy(vector),
    };
    const { vector: after, revisions } = meta.apply(volset, round);
    return { vector: copy(after), ...(revisions && { revisions }) };
  }

  async handOver(volset: VolsetId, records: AnyRecord[]): Promise<{ vector: Vector }> {
    const { meta } = this.#enter('handOver');
    return { vector: copy(meta.handOver(volset, this.#self(), copy(records)).vector) };
  }

  async moveRefs(
    volset: VolsetId,
    moves: RefMove[],
  ): Promise<{ moved: boolean; refs: Ref[]; revision: number; reason?: string }> {
    const { meta } = this.#enter('moveRefs');
    for (const { branch, to } of moves) {
      const held = meta.findBranch(volset, branch) && meta.findSnapshot(volset, to)?.hasBlob;
      if (!held) return unmoved(meta, volset, moves, 'the branch or the data is not here');
    }
    try {
      return copy(meta.moveRefs(volset, moves));
    } catch (error) {
      if (!(error instanceof PlaitError) || error.code !== 'not-fast-forward') throw error;
      return unmoved(meta, volset, moves, error.message);
    }
  }

  async offer(volset: VolsetId, offers: Offer[], sender?: OfferSender): Promise<OfferAnswer[]> {
    return this.#enter('offer').transfer.answerOffers(volset, copy(offers), caller, sender && copy(sender));
  }

  async request(volset: VolsetId, wants: Want[]): Promise<WantAnswer[]> {
    return this.#enter('request').transfer.answerRequests(volset, copy(wants), caller);
  }

  async have(_: VolsetId, transfer: Transfer, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> {
    return this.#enter('have').transfer.have(claimsOf(transfer), kind, ids);
  }

  async upload(transfer: Transfer, part: Uint8Array[]): Promise<PartAnswer> {
    const { transfer: server } = this.#enter('upload');
    return server.receive(claimsOf(transfer), pieces(part), new AbortController().signal);
  }

  async hold(transfer: Transfer, kind: 0 | 1, prefixes: Uint8Array): Promise<void> {
    await this.#enter('hold').transfer.hold(claimsOf(transfer), kind, prefixes);
  }

  async download(transfer: Transfer, share?: Share): Promise<AsyncIterable<Uint8Array>> {
    return this.#enter('download').transfer.send(claimsOf(transfer), new AbortController().signal, share);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The receiver takes blocks over; a part may be sent again. */
async function* pieces(part: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of part) yield Uint8Array.from(piece);
}

const claimsOf = (transfer: Transfer): TransferClaims => JSON.parse(transfer.token) as TransferClaims;

function unmoved(meta: MetaStore, volset: VolsetId, moves: RefMove[], reason: string) {
  const named = new Set(moves.map((move) => move.branch));
  const refs = meta.refs(volset, 'self').filter((ref) => named.has(ref.branch));
  return { moved: false, refs, revision: meta.revision(volset), reason };
}

/** As it would come over a wire: nothing is shared between two stores. */
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
