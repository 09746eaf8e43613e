/** A store as a Peer: messages of src/wire over any connection to it, be it of http.ts or in this process. */
import { parseJson } from '../core/bounded-json.ts';
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, StoreId, VolsetId } from '../core/ids.ts';
import type {
  DeltasAnswer,
  DeltasAsk,
  Feed,
  FeedAsk,
  HeadFeed,
  Offer,
  OfferAnswer,
  OfferSender,
  PartAnswer,
  Peer,
  PeerRights,
  PeerVolset,
  Sender,
  Share,
  Transfer,
  Want,
  WantAnswer,
} from '../core/peer.ts';
import type { AnyRecord } from '../core/records.ts';
import type { Connection, Wanted } from '../wire/connection.ts';
import { decodeDeltas } from '../wire/deltas.ts';
import { BYTES_TYPE, JSON_TYPE, NDJSON_TYPE, TAR_TYPE, TRANSFER_HEADER } from '../wire/headers.ts';
import { MAX_HAVE_IDS, MAX_HELD_IDS, MAX_JSON, MAX_OFFERS, MAX_REF_MOVES } from '../wire/limits.ts';
import {
  created,
  type HeldAnswer,
  heldAnswer,
  offerAnswers,
  partAnswer,
  type RefMovesAnswer,
  refMovesAnswer,
  rightsAnswer,
  type VectorAnswer,
  vectorAnswer,
  volsetList,
  wantAnswers,
} from '../wire/messages.ts';
import { encodePush, type Generations } from '../wire/push.ts';
import { decode, object, type Schema } from '../wire/schema.ts';
import { encodeWrites, handOverParts } from '../wire/writes.ts';
import { notAHub } from './failures.ts';
import { openFeed, openHeads } from './feeds.ts';
import { Source } from './source.ts';
import { transferPath } from './transfer-path.ts';

export class HttpPeer implements Peer {
  readonly #http: Connection;
  #self: StoreId | undefined;

  constructor(http: Connection, self: StoreId | undefined) {
    this.#http = http;
    this.#self = self;
  }

  get url(): string {
    return this.#http.origin;
  }

  get identity(): StoreId | undefined {
    return this.#http.identity;
  }

  get traffic() {
    return this.#http.traffic;
  }

  async listVolsets(): Promise<PeerVolset[]> {
    const wanted = { method: 'GET', path: '/v1/volsets', answer: JSON_TYPE, retry: true } as const;
    return (await this.#ask<{ volsets: PeerVolset[] }>(wanted, volsetList, 'list of volsets')).volsets;
  }

  rights(): Promise<PeerRights> {
    return this.#ask({ method: 'GET', path: '/v1/token', answer: JSON_TYPE, retry: true }, rightsAnswer, 'rights');
  }

  async holds(volset: VolsetId, ids: SnapshotId[]): Promise<SnapshotId[]> {
    const asked = new Set(ids);
    const path = `/v1/volsets/${volset}/holds`;
    const { held } = await this.#post<HeldAnswer>(path, { snapshots: ids }, heldAnswer, 'answer');
    return held.filter((id) => asked.has(id));
  }

  async createVolset(volset: { id: VolsetId; name: string }): Promise<void> {
    await this.#post('/v1/volsets', { id: volset.id, name: volset.name }, created, 'answer');
  }

  async deltas(volset: VolsetId, ask: DeltasAsk): Promise<DeltasAnswer> {
    // Not the first one for ever: a store may find out in the middle of a session that it has to go on as another.
    this.#self = ask.self;
    const path = `/v1/volsets/${volset}/deltas`;
    return this.#deltas({ method: 'POST', path, body: jsonBytes(ask), type: JSON_TYPE });
  }

  state(volset: VolsetId, min: number): Promise<DeltasAnswer> {
    return this.#deltas({ method: 'GET', path: `/v1/volsets/${volset}/state?min=${min}` });
  }

  changes(volset: VolsetId, ask: FeedAsk): Promise<Feed> {
    return openFeed(this.#http, volset, ask);
  }

  heads(): Promise<HeadFeed> {
    return openHeads(this.#http);
  }

  #deltas(asked: Pick<Wanted, 'method' | 'path' | 'body' | 'type'>): Promise<DeltasAnswer> {
    return this.#http.ask({ ...asked, answer: NDJSON_TYPE, retry: true, work: true }, async (bytes) => {
      try {
        return await decodeDeltas(bytes);
      } catch (error) {
        await bytes.return(undefined);
        throw error;
      }
    });
  }

  async sendGenerations(volset: VolsetId, generations: Generations, sender: Sender): Promise<VectorAnswer> {
    const source = new Source(generations);
    const speaker = { self: this.#speaker(), ...sender };
    return this.#ask(
      {
        method: 'POST',
        path: `/v1/volsets/${volset}/generations`,
        body: () => encodePush(speaker, source),
        type: NDJSON_TYPE,
        answer: JSON_TYPE,
        retry: () => source.repeatable,
        work: true,
      },
      vectorAnswer,
      'vector',
    );
  }

  /** In as many requests as it takes; each leaves what is valid, and what came already is skipped. */
  async handOver(volset: VolsetId, records: AnyRecord[]): Promise<VectorAnswer> {
    const self = this.#speaker();
    let answer: VectorAnswer = { vector: {} };
    for (const part of handOverParts(records)) {
      answer = await this.#ask(
        {
          method: 'POST',
          path: `/v1/volsets/${volset}/writes`,
          body: encodeWrites({ self, records: part }),
          type: NDJSON_TYPE,
          answer: JSON_TYPE,
          retry: true,
          work: true,
        },
        vectorAnswer,
        'vector',
      );
    }
    return answer;
  }

  #speaker(): StoreId {
    if (this.#self) return this.#self;
    throw new PlaitError('unexpected', 'records were sent before the session named its own store');
  }

  moveRefs(volset: VolsetId, moves: Parameters<Peer['moveRefs']>[1]): Promise<RefMovesAnswer> {
    atMost(moves, MAX_REF_MOVES);
    // Not repeated: after a lost answer, the second attempt would find the refs moved and call it a lost race.
    return this.#post(`/v1/volsets/${volset}/refs`, { moves }, refMovesAnswer, 'answer about refs', { retry: false });
  }

  /** `sender` speaks of the whole volset, so it goes with the first page only. */
  async offer(volset: VolsetId, offers: Offer[], sender?: OfferSender): Promise<OfferAnswer[]> {
    const path = `/v1/volsets/${volset}/offers`;
    if (offers.length === 0 && sender === undefined) return [];
    return this.#negotiate<Offer, OfferAnswer>(offers, (part, first) =>
      this.#post(path, { offers: part, ...(first && sender && { sender }) }, offerAnswers, 'answer to an offer', WORK),
    );
  }

  async request(volset: VolsetId, wants: Want[]): Promise<WantAnswer[]> {
    const path = `/v1/volsets/${volset}/requests`;
    if (wants.length === 0) return [];
    return this.#negotiate<Want, WantAnswer>(wants, (part) =>
      this.#post(path, { wants: part }, wantAnswers, 'answer to a request', WORK),
    );
  }

  async have(volset: VolsetId, transfer: Transfer, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> {
    const asked = ids.length / 32;
    if (asked > MAX_HAVE_IDS) throw new PlaitError('unexpected', `at most ${MAX_HAVE_IDS} ids in one have request`);
    transferPath(this.url, transfer);
    const wanted: Wanted = {
      method: 'POST',
      path: `/v1/volsets/${volset}/have?kind=${kind}`,
      headers: { [TRANSFER_HEADER]: transfer.token },
      body: ids,
      type: BYTES_TYPE,
      answer: BYTES_TYPE,
      retry: true,
    };
    const held = await this.#http.ask(wanted, (bytes) => this.#http.collect(bytes, MAX_HAVE_IDS));
    if (held.length === asked && held.every((byte) => byte <= 1)) return held;
    throw notAHub(this.url, 'its have answer does not fit the question');
  }

  async upload(transfer: Transfer, part: Uint8Array[], rest?: () => Promise<Uint8Array[]>): Promise<PartAnswer> {
    return this.#ask(
      {
        method: 'PUT',
        path: transferPath(this.url, transfer),
        headers: { [TRANSFER_HEADER]: transfer.token },
        body: part,
        ...(rest && { bodyAgain: rest }),
        type: TAR_TYPE,
        answer: JSON_TYPE,
        // What came of it already is found in quarantine, and a snapshot that is complete stays so.
        retry: true,
        work: true,
      },
      partAnswer,
      'answer to an upload',
    );
  }

  async hold(transfer: Transfer, kind: 0 | 1, prefixes: Uint8Array): Promise<void> {
    if (prefixes.length > MAX_HELD_IDS * 8)
      throw new PlaitError('unexpected', `at most ${MAX_HELD_IDS} ids in one held request`);
    await this.#ask(
      {
        method: 'POST',
        path: `${transferPath(this.url, transfer)}/held?kind=${kind}`,
        headers: { [TRANSFER_HEADER]: transfer.token },
        body: prefixes,
        type: BYTES_TYPE,
        answer: JSON_TYPE,
        retry: true,
      },
      nothing,
      'answer to what is held',
    );
  }

  download(transfer: Transfer, share?: Share): Promise<AsyncIterable<Uint8Array>> {
    return this.#http.request({
      method: 'GET',
      path: transferPath(this.url, transfer) + (share === undefined ? '' : `?share=${share.index}&of=${share.of}`),
      headers: { [TRANSFER_HEADER]: transfer.token },
      answer: TAR_TYPE,
      retry: true,
      work: true,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#http.close();
  }

  #post<T>(path: string, message: unknown, schema: Schema, what: string, more: Partial<Wanted> = {}): Promise<T> {
    const body = jsonBytes(message);
    return this.#ask(
      { method: 'POST', path, body, type: JSON_TYPE, answer: JSON_TYPE, retry: true, ...more },
      schema,
      what,
    );
  }

  #ask<T>(wanted: Wanted, schema: Schema, what: string): Promise<T> {
    return this.#http.ask(wanted, (bytes) => this.#json<T>(bytes, schema, what));
  }

  async #json<T>(bytes: AsyncIterable<Uint8Array>, schema: Schema, what: string): Promise<T> {
    const body = await this.#http.collect(bytes, MAX_JSON);
    let value: unknown;
    try {
      value = parseJson(body);
    } catch (error) {
      if (error instanceof PlaitError) throw error;
      throw notAHub(this.url, 'its answer is not JSON');
    }
    return decode(schema, value, what);
  }

  /** One request per MAX_OFFERS, at least one; each item must be answered, once, in order. */
  async #negotiate<I extends { id: string }, A extends { id: string }>(
    items: I[],
    ask: (part: I[], first: boolean) => Promise<{ answers: A[] }>,
  ): Promise<A[]> {
    const all: A[] = [];
    for (let i = 0; i === 0 || i < items.length; i += MAX_OFFERS) {
      const part = items.slice(i, i + MAX_OFFERS);
      const { answers } = await ask(part, i === 0);
      if (answers.length !== part.length || answers.some(({ id }, k) => id !== part[k].id)) {
        throw notAHub(this.url, 'its answers do not match what was asked');
      }
      all.push(...answers);
    }
    return all;
  }
}

/** A hub that works on it takes longer to answer. */
const WORK: Partial<Wanted> = { work: true };
const nothing: Schema = object({});

const jsonBytes = (message: unknown): Buffer => Buffer.from(JSON.stringify(message));

function atMost(items: unknown[], max: number): void {
  if (items.length > max) throw new PlaitError('unexpected', `at most ${max} items in one request`);
}
