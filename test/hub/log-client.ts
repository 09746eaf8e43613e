/** A metadata store that talks to a hub as a session does, without blobs. */
import { PlaitError } from '../../src/core/errors.ts';
import type { StoreId, VolsetId } from '../../src/core/ids.ts';
import type { DeltasAsk, Peer } from '../../src/core/peer.ts';
import type { Generation, Vector } from '../../src/core/records.ts';
import type { Applied, MetaStore } from '../../src/meta/contract.ts';
import { openMetaStore } from '../../src/meta/index.ts';
import { openPeer, type PeerOptions } from '../../src/remote/index.ts';
import { VOLSET } from './support.ts';

export type StoreOptions = Omit<Parameters<typeof openMetaStore>[0], 'path'>;

export class LogClient implements AsyncDisposable {
  readonly store: MetaStore;
  readonly peer: Peer;

  constructor(url: string, options: StoreOptions = {}, peer: Partial<PeerOptions> = {}) {
    this.store = openMetaStore({ path: ':memory:', create: true, ...options });
    this.peer = openPeer({
      url,
      self: this.store.self.store,
      ...peer,
      fetchOptions: { retries: 0, ...peer.fetchOptions },
    });
  }

  /** Makes the volset here. */
  begin(name = 'data', volset = VOLSET): this {
    this.store.commit(volset, [{ edit: 'create-volset', name, creator: 'me' }]);
    return this;
  }

  set(field: string, value: string, volset = VOLSET): void {
    this.store.commit(volset, [{ edit: 'set', register: `volset:${field}`, value }]);
  }

  /** Asks once more, with chains, where histories forked. */
  async pull(volset: VolsetId = VOLSET): Promise<Applied> {
    const vector = this.store.knowsVolset(volset) ? this.store.cut(volset) : {};
    const ask: DeltasAsk = { self: this.store.self.store, vector, knownRevision: 0 };
    try {
      return await this.#take(volset, ask);
    } catch (error) {
      if (!(error instanceof PlaitError) || error.data?.reason !== 'fork') throw error;
      const chains = this.store.chainPoints(volset, error.data.stores as StoreId[]);
      return this.#take(volset, { ...ask, chains });
    }
  }

  async #take(volset: VolsetId, ask: DeltasAsk): Promise<Applied> {
    const answer = await this.peer.deltas(volset, ask);
    const generations = await Array.fromAsync(answer.generations);
    const { vector, revision } = await answer.trailer();
    const peer = this.peer.identity as StoreId;
    return this.store.apply(volset, { peer, generations, refs: answer.refs, revision, vector, policy: 'target' });
  }

  /** What goes beyond `theirs`. */
  async push(theirs: Vector = {}, volset: VolsetId = VOLSET): Promise<Vector> {
    const vector = this.store.cut(volset);
    const sender = { label: this.store.self.label, vector };
    return (await this.peer.sendGenerations(volset, this.generations(theirs, volset), sender)).vector;
  }

  generations(theirs: Vector = {}, volset: VolsetId = VOLSET): Generation[] {
    const all: Generation[] = [];
    let cursor: string | undefined = this.store.planDeltas(volset, theirs, 0).cursor;
    while (cursor !== undefined) {
      const page = this.store.readDeltas(volset, cursor);
      all.push(...page.generations);
      cursor = page.cursor;
    }
    return all;
  }

  handOver(volset: VolsetId = VOLSET): Promise<{ vector: Vector }> {
    return this.peer.handOver(volset, this.store.openRecords(volset));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
    this.store[Symbol.dispose]();
  }
}
