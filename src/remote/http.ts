/**
 * Requests to one hub: identity checked before any body is used, no redirect followed, failures as PlaitErrors,
 * traffic counted. What the messages mean is peer.ts's business.
 */
import { recognise } from '../core/another-store.ts';
import { ERRORS, PlaitError } from '../core/errors.ts';
import type { StoreId } from '../core/ids.ts';
import type { Traffic } from '../core/peer.ts';
import { type Connection, collectBytes, type RequestBody, type Wanted } from '../wire/connection.ts';
import { decodeError } from '../wire/error-body.ts';
import { JSON_TYPE, mediaType, PROTOCOL_HEADER, STORE_HEADER, storeOfHeader } from '../wire/headers.ts';
import { MAX_ERROR_BODY, PROTOCOL } from '../wire/limits.ts';
import { RateLimit } from './bandwidth.ts';
import { incoming, lengthOf, outgoing } from './body.ts';
import { isLasting, isStall, networkError, notAHub, stalledError } from './failures.ts';
import { type HttpOptions, MAX_REQUESTS } from './options.ts';
import { pauseAsked, Retry } from './retry.ts';
import { Turns } from './turns.ts';
import { type Connections, connect, type PoolOptions, type ResponseData } from './undici.ts';

/** Bodies below this go in one piece, with the headers. */
const SMALL_BODY = 16 * 1024;
/** Connections beside those of the streams: for questions in between, and for feeds. */
const SPARE_CONNECTIONS = 4;
/** Attempts after one that stood still. */
const STALLS = 1;

export class HubConnection implements Connection {
  readonly origin: string;
  readonly traffic: Traffic = { requests: 0, sent: 0, received: 0 };
  readonly #options: HttpOptions;
  readonly #retry: Retry;
  readonly #up: RateLimit | undefined;
  readonly #down: RateLimit | undefined;
  readonly #turns: Turns | undefined;
  readonly #closing = new AbortController();
  /** Ends whatever waits: the caller's signal, or that we are closed. */
  readonly #stop: AbortSignal;
  #connections: Connections | undefined;
  #identity: StoreId | undefined;

  constructor(origin: string, options: HttpOptions) {
    this.origin = origin;
    this.#options = options;
    this.#retry = new Retry(options);
    const { limits, clock, signal, attemptEveryMs } = options;
    this.#stop = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    this.#up = limits?.up ? new RateLimit(limits.up, clock) : undefined;
    this.#down = limits?.down ? new RateLimit(limits.down, clock) : undefined;
    this.#turns = attemptEveryMs === undefined ? undefined : new Turns(attemptEveryMs, clock);
  }

  get identity(): StoreId | undefined {
    return this.#identity;
  }

  /** The body of a successful answer, to be read to its end or returned early. */
  request(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>> {
    return this.ask(wanted, async (bytes) => bytes);
  }

  /** `read` is a part of what is repeated: an answer that was cut is asked for again. */
  async ask<T>(wanted: Wanted, read: (bytes: AsyncGenerator<Uint8Array>) => Promise<T>): Promise<T> {
    const { retry, bodyAgain } = wanted;
    const repeatable = typeof retry === 'function' ? retry : () => retry;
    let stalls = 0;
    let again = false;
    const attempt = async (): Promise<Wanted> => {
      if (again && bodyAgain) return { ...wanted, body: await bodyAgain() };
      again = true;
      return wanted;
    };
    return this.#retry.run(
      async () => read(await this.#once(await attempt())),
      (error) => error.retryable && !isLasting(error) && !(isStall(error) && stalls++ >= STALLS) && repeatable(),
    );
  }

  async close(): Promise<void> {
    this.#closing.abort(new PlaitError('network', `the connection to ${this.origin} was closed`));
    await this.#connections?.destroy();
    this.#connections = undefined;
  }

  async #once(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>> {
    if (this.#options.signal?.aborted) throw this.#failure(this.#options.signal.reason);
    await this.#turns?.take(this.#stop);
    this.traffic.requests++;
    const answer = await this.#send(wanted);
    this.#turns?.answered();
    try {
      await this.#check(answer, wanted);
    } catch (error) {
      answer.body.on('error', () => {}).destroy();
      throw error;
    }
    return this.#bytes(answer, wanted);
  }

  async #send({ method, path, headers, body, type, work, silentMs, signal }: Wanted): Promise<ResponseData> {
    const { token, timeouts } = this.#options;
    const own = new AbortController();
    const silence = silentMs && Math.min(silentMs, timeouts.feedMs);
    try {
      this.#connections ??= connect(this.origin, poolOptions(this.#options));
      const length = body === undefined ? undefined : lengthOf(body);
      return await this.#connections.request({
        method,
        path,
        headers: {
          [PROTOCOL_HEADER]: String(PROTOCOL),
          'user-agent': 'plait',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(type !== undefined && { 'content-type': type }),
          ...(length !== undefined && { 'content-length': String(length) }),
          ...headers,
        },
        body: body === undefined ? null : ((await this.#body(body, own)) as never),
        signal: AbortSignal.any([this.#stop, own.signal, ...(signal ? [signal] : [])]),
        ...(work && { headersTimeout: timeouts.workMs }),
        ...(silence && { headersTimeout: silence, bodyTimeout: silence }),
      });
    } catch (error) {
      own.abort(error);
      this.#turns?.failed();
      throw this.#failure(error);
    }
  }

  /** Ready to be sent; `own` ends this one request when it makes no progress. */
  async #body(body: RequestBody, own: AbortController): Promise<Uint8Array | AsyncGenerator<Uint8Array>> {
    const { timeouts } = this.#options;
    const onBytes = (bytes: number): void => {
      this.traffic.sent += bytes;
    };
    if (body instanceof Uint8Array && body.length < SMALL_BODY) {
      await this.#up?.take(body.length, this.#stop);
      onBytes(body.length);
      return body;
    }
    const signal = AbortSignal.any([this.#stop, own.signal]);
    const stalled = (): void => own.abort(stalledError(this.origin));
    return outgoing(body, { limit: this.#up, signal, idleMs: timeouts.bodyMs, stalled, onBytes });
  }

  async #check(answer: ResponseData, wanted: Wanted): Promise<void> {
    const { statusCode: status, headers } = answer;
    const type = mediaType(headers['content-type']);
    const store = storeOfHeader(headers[STORE_HEADER]);
    if (status >= 300 && status < 400) {
      throw notAHub(this.origin, `it redirects elsewhere (HTTP ${status}); redirects are not followed`);
    }
    if (store === undefined) throw this.#stranger(status, type, pauseAsked(headers['retry-after']));
    this.#recognise(store);
    if (headers[PROTOCOL_HEADER] !== String(PROTOCOL)) {
      throw new PlaitError('protocol', `${this.origin} speaks another version of the protocol`, {
        hint: 'update the older of the two',
      });
    }
    if (status !== 200) throw await this.#told(answer, type);
    if (type !== mediaType(wanted.answer))
      throw notAHub(this.origin, `it answers ${type || 'an untyped body'} instead of ${wanted.answer}`);
  }

  /** No store named itself: a proxy, a captive portal, another service. */
  #stranger(status: number, type: string, retryAfterMs: number | undefined): PlaitError {
    if (status === 502 || status === 503 || status === 504) {
      return new PlaitError('network', `cannot reach the hub behind ${this.origin}: HTTP ${status}`, {
        hint: 'a proxy answered in its place; try again later',
        data: { url: this.origin, status, ...(retryAfterMs !== undefined && { retryAfterMs }) },
      });
    }
    return notAHub(
      this.origin,
      `it answers HTTP ${status}${type === '' ? '' : ` with ${safeType(type)}`} and names no store`,
    );
  }

  /** Before the body is used: another store than the one remembered must not be believed. */
  #recognise(store: StoreId): void {
    recognise(this.origin, store, { current: this.#identity, remembered: this.#options.expectIdentity });
    this.#identity = store;
  }

  async #told(answer: ResponseData, type: string): Promise<PlaitError> {
    const { statusCode: status } = answer;
    const strange = notAHub(this.origin, `it answers HTTP ${status} without an error that plait knows`);
    if (type !== JSON_TYPE) return strange;
    const bytes = await this.collect(this.#bytes(answer), MAX_ERROR_BODY);
    const error = decodeError(bytes.toString('utf8')) ?? strange;
    // A status of 4xx or 5xx with a code of success would end a run that failed with exit code 0.
    if (ERRORS[error.code].http < 400) return new PlaitError('unexpected', error.message);
    const retryAfterMs = error.retryable ? pauseAsked(answer.headers['retry-after']) : undefined;
    if (retryAfterMs === undefined) return error;
    const { code, message, hint, data } = error;
    return new PlaitError(code, message, { hint, data: { ...data, retryAfterMs }, cause: error.cause });
  }

  /** The whole body; throws `protocol` when it is longer than `max` bytes. */
  collect(bytes: AsyncIterable<Uint8Array>, max: number): Promise<Buffer> {
    return collectBytes(bytes, max, () => notAHub(this.origin, `its answer is longer than ${max} bytes`));
  }

  async *#bytes(answer: ResponseData, { silentMs }: Pick<Wanted, 'silentMs'> = {}): AsyncGenerator<Uint8Array> {
    const { timeouts } = this.#options;
    const onBytes = (bytes: number): void => {
      this.traffic.received += bytes;
    };
    const stalled = (): void => {
      throw stalledError(this.origin);
    };
    try {
      const body = answer.body as AsyncIterable<Uint8Array>;
      // Of a feed, whatever comes counts.
      const pace = silentMs === undefined ? { idleMs: timeouts.bodyMs } : { idleMs: silentMs, leastBytes: 1 };
      yield* incoming(body, { limit: this.#down, signal: this.#stop, ...pace, stalled, onBytes });
    } catch (error) {
      this.#turns?.failed();
      throw this.#failure(error);
    } finally {
      answer.body.on('error', () => {}).destroy();
    }
  }

  /** When the caller stopped us, that is the reason, whatever the socket says. */
  #failure(error: unknown): PlaitError {
    const { signal } = this.#options;
    if (!signal?.aborted) return networkError(error, this.origin);
    return signal.reason instanceof PlaitError
      ? signal.reason
      : new PlaitError('interrupted', 'stopped', { cause: signal.reason });
  }
}

const safeType = (type: string): string => type.replace(/[^\w./+-]/g, '?').slice(0, 60);

function poolOptions({ ca, timeouts, parallel }: HttpOptions): PoolOptions {
  return {
    allowH2: false,
    pipelining: 1,
    connections: Math.min(MAX_REQUESTS, parallel + SPARE_CONNECTIONS),
    connectTimeout: timeouts.connectMs,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    maxHeaderSize: 16 * 1024,
    ...(ca !== undefined && { connect: { ca, timeout: timeouts.connectMs } }),
  };
}
