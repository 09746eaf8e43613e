/**
 * Requests to one hub: identity checked before any body is used, no redirect followed, failures as PlaitErrors,
 * traffic counted. What the messages mean is peer.ts's business.
 */
import { ERRORS, PlaitError } from '../core/errors.ts';
import { installOf, type StoreId } from '../core/ids.ts';
import type { Traffic } from '../core/peer.ts';
import { decodeError } from '../wire/error-body.ts';
import { JSON_TYPE, mediaType, PROTOCOL_HEADER, STORE_HEADER, storeOfHeader } from '../wire/headers.ts';
import { MAX_ERROR_BODY, PROTOCOL } from '../wire/limits.ts';
import { isLasting, networkError, notAHub } from './failures.ts';
import type { HttpOptions } from './options.ts';
import { Retry } from './retry.ts';
import { type Connections, connect, type PoolOptions, type ResponseData } from './undici.ts';

export interface Wanted {
  method: 'GET' | 'POST' | 'PUT';
  /** Path and query below the origin. */
  path: string;
  headers?: Record<string, string>;
  /** A function makes the stream anew for each attempt. */
  body?: Uint8Array | AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>);
  /** Media type of the body. */
  type?: string;
  /** Media type that the answer must have. */
  answer: string;
  /** Safe to send twice, and there to be sent; asked again after each failure. */
  retry: boolean | (() => boolean);
}

export class HubConnection {
  readonly origin: string;
  readonly traffic: Traffic = { requests: 0, sent: 0, received: 0 };
  readonly #options: HttpOptions;
  readonly #retry: Retry;
  #connections: Connections | undefined;
  #identity: StoreId | undefined;

  constructor(origin: string, options: HttpOptions) {
    this.origin = origin;
    this.#options = options;
    this.#retry = new Retry(options);
  }

  get identity(): StoreId | undefined {
    return this.#identity;
  }

  /** The body of a successful answer, to be read to its end or returned early. */
  async request(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>> {
    const { retry } = wanted;
    const repeatable = typeof retry === 'function' ? retry : () => retry;
    return this.#retry.run(
      () => this.#once(wanted),
      (error) => error.retryable && !isLasting(error) && repeatable(),
    );
  }

  async close(): Promise<void> {
    await this.#connections?.destroy();
    this.#connections = undefined;
  }

  async #once(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>> {
    if (this.#options.signal?.aborted) throw this.#failure(this.#options.signal.reason);
    this.traffic.requests++;
    const answer = await this.#send(wanted);
    try {
      await this.#check(answer, wanted);
    } catch (error) {
      answer.body.on('error', () => {}).destroy();
      throw error;
    }
    return this.#bytes(answer);
  }

  async #send({ method, path, headers, body, type }: Wanted): Promise<ResponseData> {
    const { token, signal } = this.#options;
    try {
      this.#connections ??= connect(this.origin, poolOptions(this.#options));
      return await this.#connections.request({
        method,
        path,
        headers: {
          [PROTOCOL_HEADER]: String(PROTOCOL),
          'user-agent': 'plait',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(type !== undefined && { 'content-type': type }),
          ...headers,
        },
        body: body === undefined ? null : (this.#counted(body) as never),
        signal,
      });
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** A buffer keeps its length header; a stream is counted as it leaves. */
  #counted(body: NonNullable<Wanted['body']>): Uint8Array | AsyncGenerator<Uint8Array> {
    if (body instanceof Uint8Array) {
      this.traffic.sent += body.length;
      return body;
    }
    const { traffic } = this;
    return (async function* () {
      for await (const piece of typeof body === 'function' ? body() : body) {
        traffic.sent += piece.length;
        yield piece;
      }
    })();
  }

  async #check(answer: ResponseData, wanted: Wanted): Promise<void> {
    const { statusCode: status, headers } = answer;
    const type = mediaType(headers['content-type']);
    const store = storeOfHeader(headers[STORE_HEADER]);
    if (status >= 300 && status < 400) {
      throw notAHub(this.origin, `it redirects elsewhere (HTTP ${status}); redirects are not followed`);
    }
    if (store === undefined) throw this.#stranger(status, type);
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
  #stranger(status: number, type: string): PlaitError {
    if (status === 502 || status === 503 || status === 504) {
      return new PlaitError('network', `cannot reach the hub behind ${this.origin}: HTTP ${status}`, {
        hint: 'a proxy answered in its place; try again later',
        data: { url: this.origin, status },
      });
    }
    return notAHub(
      this.origin,
      `it answers HTTP ${status}${type === '' ? '' : ` with ${safeType(type)}`} and names no store`,
    );
  }

  /** Before the body is used: another store than the one remembered must not be believed. */
  #recognise(store: StoreId): void {
    const { expectIdentity: remembered } = this.#options;
    const changed = this.#identity !== undefined && this.#identity !== store;
    if (changed || (remembered !== undefined && installOf(remembered) !== installOf(store))) {
      throw new PlaitError('identity', `${this.origin} is another store than before`, {
        hint: changed
          ? 'it changed in the middle of this command; run it again'
          : 'check its address with `plait remote list`; if it was replaced on purpose, say so with --accept-new-identity',
        data: { url: this.origin, expected: this.#identity ?? remembered, found: store },
      });
    }
    this.#identity = store;
  }

  async #told(answer: ResponseData, type: string): Promise<PlaitError> {
    const { statusCode: status } = answer;
    const strange = notAHub(this.origin, `it answers HTTP ${status} without an error that plait knows`);
    if (type !== JSON_TYPE) return strange;
    const bytes = await this.collect(this.#bytes(answer), MAX_ERROR_BODY);
    const error = decodeError(bytes.toString('utf8')) ?? strange;
    // A status of 4xx or 5xx with a code of success would end a run that failed with exit code 0.
    return ERRORS[error.code].http >= 400 ? error : new PlaitError('unexpected', error.message);
  }

  /** The whole body; throws `protocol` when it is longer than `max` bytes. */
  async collect(bytes: AsyncIterable<Uint8Array>, max: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of bytes) {
      length += piece.length;
      if (length > max) throw notAHub(this.origin, `its answer is longer than ${max} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces, length);
  }

  async *#bytes(answer: ResponseData): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of answer.body as AsyncIterable<Uint8Array>) {
        this.traffic.received += piece.length;
        yield piece;
      }
    } catch (error) {
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

function poolOptions({ ca, timeouts }: HttpOptions): PoolOptions {
  return {
    allowH2: false,
    pipelining: 1,
    connections: 8,
    connectTimeout: timeouts.connectMs,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    maxHeaderSize: 16 * 1024,
    ...(ca !== undefined && { connect: { ca, timeout: timeouts.connectMs } }),
  };
}
