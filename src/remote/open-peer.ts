/** A hub as a Peer: messages of src/wire over the connection of http.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { isRandomId, type StoreId, type VolsetId } from '../core/ids.ts';
import type {
  DeltasAnswer,
  DeltasAsk,
  OfferAnswer,
  Peer,
  PeerVolset,
  Sender,
  Transfer,
  WantAnswer,
} from '../core/peer.ts';
import type { AnyRecord } from '../core/records.ts';
import { decodeDeltas } from '../wire/deltas.ts';
import { BYTES_TYPE, JSON_TYPE, NDJSON_TYPE, TAR_TYPE, TRANSFER_HEADER } from '../wire/headers.ts';
import { MAX_HAVE_IDS, MAX_JSON, MAX_OFFERS, MAX_REF_MOVES } from '../wire/limits.ts';
import {
  created,
  offerAnswers,
  type Received,
  type RefMovesAnswer,
  received,
  refMovesAnswer,
  type VectorAnswer,
  vectorAnswer,
  volsetList,
  wantAnswers,
} from '../wire/messages.ts';
import { encodePush, type Generations } from '../wire/push.ts';
import { decode, type Schema } from '../wire/schema.ts';
import { encodeWrites, handOverParts } from '../wire/writes.ts';
import { notAHub } from './failures.ts';
import { HubConnection } from './http.ts';
import { DEFAULT_TIMEOUTS, type RetryOptions, type Timeouts } from './options.ts';
import { Source } from './source.ts';
import { parseHubUrl } from './url.ts';

export interface PeerOptions {
  /** `http(s)://HOST[:PORT][/VOLSET]`; the volset is the caller's to use (url.ts). */
  url: string;
  /** Bearer token; goes to this origin only. */
  token?: string;
  /** PEM of the authority to trust instead of the system's. */
  ca?: string;
  signal?: AbortSignal;
  /** The store that answered last time; another install id than its ends the session with `identity`. */
  expectIdentity?: StoreId;
  /** The store that speaks, until a deltas request names it. */
  self?: StoreId;
  fetchOptions?: Partial<Timeouts & RetryOptions>;
}

/** Connects at the first request only. */
export function openPeer(options: PeerOptions): Peer {
  const { origin } = parseHubUrl(options.url);
  const { retries = 3, random = Math.random, sleep = pause, ...timeouts } = options.fetchOptions ?? {};
  const { token, ca, signal, expectIdentity } = options;
  const http = new HubConnection(origin, {
    token: checkedToken(token),
    ca,
    signal,
    expectIdentity,
    timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts },
    retries,
    random,
    sleep,
  });
  return new HttpPeer(http, options.self);
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** A stray newline or non-ASCII character would otherwise surface as an obscure failure of the HTTP library. */
function checkedToken(token: string | undefined): string | undefined {
  if (token === undefined || /^[\x21-\x7e]{1,256}$/.test(token)) return token;
  throw new PlaitError('bad-config', 'the token is not one line of printable characters', {
    hint: 'is it the right file? a token starts with plait_',
  });
}

class HttpPeer implements Peer {
  readonly #http: HubConnection;
  #self: StoreId | undefined;

  constructor(http: HubConnection, self: StoreId | undefined) {
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
    const bytes = await this.#http.request({ method: 'GET', path: '/v1/volsets', answer: JSON_TYPE, retry: true });
    return (await this.#json<{ volsets: PeerVolset[] }>(bytes, volsetList, 'list of volsets')).volsets;
  }

  async createVolset(volset: { id: VolsetId; name: string }): Promise<void> {
    await this.#post('/v1/volsets', { id: volset.id, name: volset.name }, created, 'answer', true);
  }

  async deltas(volset: VolsetId, ask: DeltasAsk): Promise<DeltasAnswer> {
    // Not the first one for ever: a store may find out in the middle of a session that it has to go on as another.
    this.#self = ask.self;
    const bytes = await this.#http.request({
      method: 'POST',
      path: `/v1/volsets/${volset}/deltas`,
      body: jsonBytes(ask),
      type: JSON_TYPE,
      answer: NDJSON_TYPE,
      retry: true,
    });
    try {
      return await decodeDeltas(bytes);
    } catch (error) {
      await bytes.return(undefined);
      throw error;
    }
  }

  async sendGenerations(volset: VolsetId, generations: Generations, sender: Sender): Promise<VectorAnswer> {
    const source = new Source(generations);
    const speaker = { self: this.#speaker(), ...sender };
    const bytes = await this.#http.request({
      method: 'POST',
      path: `/v1/volsets/${volset}/generations`,
      body: () => encodePush(speaker, source),
      type: NDJSON_TYPE,
      answer: JSON_TYPE,
      retry: () => source.repeatable,
    });
    return this.#json(bytes, vectorAnswer, 'vector');
  }

  /** In as many requests as it takes; each leaves what is valid, and what came already is skipped. */
  async handOver(volset: VolsetId, records: AnyRecord[]): Promise<VectorAnswer> {
    const self = this.#speaker();
    let answer: VectorAnswer = { vector: {} };
    for (const part of handOverParts(records)) {
      const bytes = await this.#http.request({
        method: 'POST',
        path: `/v1/volsets/${volset}/writes`,
        body: encodeWrites({ self, records: part }),
        type: NDJSON_TYPE,
        answer: JSON_TYPE,
        retry: true,
      });
      answer = await this.#json(bytes, vectorAnswer, 'vector');
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
    return this.#post(`/v1/volsets/${volset}/refs`, { moves }, refMovesAnswer, 'answer about refs', false);
  }

  async offer(volset: VolsetId, offers: Parameters<Peer['offer']>[1]): Promise<OfferAnswer[]> {
    const path = `/v1/volsets/${volset}/offers`;
    return this.#negotiate<OfferAnswer>(offers, (part) =>
      this.#post(path, { offers: part }, offerAnswers, 'answer to an offer', true),
    );
  }

  async request(volset: VolsetId, wants: Parameters<Peer['request']>[1]): Promise<WantAnswer[]> {
    const path = `/v1/volsets/${volset}/requests`;
    return this.#negotiate<WantAnswer>(wants, (part) =>
      this.#post(path, { wants: part }, wantAnswers, 'answer to a request', true),
    );
  }

  async have(volset: VolsetId, transfer: Transfer, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> {
    const wanted = ids.length / 32;
    if (wanted > MAX_HAVE_IDS) throw new PlaitError('unexpected', `at most ${MAX_HAVE_IDS} ids in one have request`);
    this.#transferPath(transfer);
    const bytes = await this.#http.request({
      method: 'POST',
      path: `/v1/volsets/${volset}/have?kind=${kind}`,
      headers: { [TRANSFER_HEADER]: transfer.token },
      body: ids,
      type: BYTES_TYPE,
      answer: BYTES_TYPE,
      retry: true,
    });
    const held = await this.#http.collect(bytes, MAX_HAVE_IDS);
    if (held.length === wanted && held.every((byte) => byte <= 1)) return held;
    throw notAHub(this.url, 'its have answer does not fit the question');
  }

  async upload(transfer: Transfer, body: AsyncIterable<Uint8Array>): Promise<Received> {
    const bytes = await this.#http.request({
      method: 'PUT',
      path: this.#transferPath(transfer),
      headers: { [TRANSFER_HEADER]: transfer.token },
      body,
      type: TAR_TYPE,
      answer: JSON_TYPE,
      retry: false,
    });
    return this.#json(bytes, received, 'answer to an upload');
  }

  download(transfer: Transfer): Promise<AsyncIterable<Uint8Array>> {
    return this.#http.request({
      method: 'GET',
      path: this.#transferPath(transfer),
      headers: { [TRANSFER_HEADER]: transfer.token },
      answer: TAR_TYPE,
      retry: true,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#http.close();
  }

  async #post<T>(path: string, message: unknown, schema: Schema, what: string, retry: boolean): Promise<T> {
    const body = jsonBytes(message);
    return this.#json(
      await this.#http.request({ method: 'POST', path, body, type: JSON_TYPE, answer: JSON_TYPE, retry }),
      schema,
      what,
    );
  }

  async #json<T>(bytes: AsyncIterable<Uint8Array>, schema: Schema, what: string): Promise<T> {
    const text = (await this.#http.collect(bytes, MAX_JSON)).toString('utf8');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw notAHub(this.url, 'its answer is not JSON');
    }
    return decode(schema, value, what);
  }

  /** One request per MAX_OFFERS; each item must be answered, once, in order. */
  async #negotiate<A extends { id: string }>(
    items: { id: string }[],
    ask: (part: { id: string }[]) => Promise<{ answers: A[] }>,
  ): Promise<A[]> {
    const all: A[] = [];
    for (let i = 0; i < items.length; i += MAX_OFFERS) {
      const part = items.slice(i, i + MAX_OFFERS);
      const { answers } = await ask(part);
      if (answers.length !== part.length || answers.some(({ id }, k) => id !== part[k].id)) {
        throw notAHub(this.url, 'its answers do not match what was asked');
      }
      all.push(...answers);
    }
    return all;
  }

  /** A URL from a peer is followed on the peer's own origin only, and only to a transfer. */
  #transferPath({ url }: Transfer): string {
    const target = URL.canParse(url, this.url) ? new URL(url, this.url) : undefined;
    const id = target && /^\/v1\/transfers\/([^/]+)$/.exec(target.pathname)?.[1];
    if (target && target.origin === this.url && isRandomId(id) && target.search === '' && target.hash === '')
      return target.pathname;
    throw new PlaitError('protocol', `${this.url} names a transfer elsewhere`, {
      hint: 'transfers are followed at the hub itself only; if it stands behind a proxy, its answers must not be rewritten',
    });
  }
}

const jsonBytes = (message: unknown): Buffer => Buffer.from(JSON.stringify(message));

function atMost(items: unknown[], max: number): void {
  if (items.length > max) throw new PlaitError('unexpected', `at most ${max} items in one request`);
}
