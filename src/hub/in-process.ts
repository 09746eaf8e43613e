/**
 * A store that answers in this process, without HTTP and without a socket: the same routes, checks and limits as over
 * HTTP, for one local caller who may do everything. Nothing is shared between the two sides: messages are their bytes,
 * and bytes are copied.
 */
import { recognise } from '../core/another-store.ts';
import { copyOf } from '../core/bytes.ts';
import { codeOfErrno, ERRORS, PlaitError } from '../core/errors.ts';
import type { StoreId } from '../core/ids.ts';
import type { Traffic } from '../core/peer.ts';
import { type Connection, collectBytes, type Wanted } from '../wire/connection.ts';
import { decodeError, encodeError } from '../wire/error-body.ts';
import { mediaType, PROTOCOL_HEADER } from '../wire/headers.ts';
import { PROTOCOL } from '../wire/limits.ts';
import type { AccessOptions, ScopedCaller } from './access.ts';
import { Answer } from './answer.ts';
import { makeCall } from './call.ts';
import { type Asked, check } from './checks.ts';
import { hubContext, stopTelling } from './context.ts';
import type { HubOptions } from './contract.ts';
import { type Cutting, cutRegularly } from './cut.ts';
import { noSuchRoute } from './errors.ts';
import { answerBytes, bodyLimit, bodyTooLarge, isStream, parseBody } from './media.ts';
import { type Match, matchRoute } from './routes/match.ts';
import type { HubContext } from './routes/route.ts';
import { routes } from './routes/service.ts';
import { Sent } from './sent.ts';
import { isStreamed, streamOf } from './stream-answer.ts';
import { textOf } from './text-of.ts';

/** Resolves when so many bytes may pass. */
export type Pace = (bytes: number, signal: AbortSignal) => Promise<void>;

export interface InProcessOptions
  extends Pick<HubOptions, 'meta' | 'transfer' | 'transferTokens' | 'limits' | 'cutEveryMs' | 'log' | 'now'> {
  /** Where the store is: for messages. */
  origin: string;
  /** What is counted on. */
  traffic?: Traffic;
  /** Who asks, for owner fields. */
  label: string;
  signal?: AbortSignal;
  /** Another install id than this one's ends the session with `identity`. */
  expectIdentity?: StoreId;
  /** Asked before each request, at each piece of a feed, and when something failed: the store itself may be gone. */
  lost?: () => PlaitError | undefined;
  pace?: { up?: Pace; down?: Pace };
}

/** Closes what it was given to transfer with; the metadata stay the caller's to close. */
export const connectInProcess = (options: InProcessOptions): Connection => new InProcess(options);

interface Reading {
  abort: AbortController;
  signal: AbortSignal;
  failure: (error: unknown) => PlaitError;
  silentMs: number | undefined;
}

class InProcess implements Connection {
  readonly origin: string;
  readonly traffic: Traffic;
  readonly #options: InProcessOptions;
  readonly #context: HubContext;
  readonly #access: AccessOptions;
  readonly #cutting: Cutting;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #answers = new Set<Answer>();
  #identity: StoreId | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: InProcessOptions) {
    const { origin, traffic, meta, label, now = Date.now, cutEveryMs = 1000, log } = options;
    this.origin = origin;
    this.traffic = traffic ?? { requests: 0, sent: 0, received: 0 };
    this.#options = options;
    this.#context = hubContext(options);
    this.#access = { meta, local: localCaller(label), noAuth: true, now };
    this.#cutting = cutRegularly(meta, cutEveryMs, log);
  }

  get identity(): StoreId | undefined {
    return this.#identity;
  }

  request(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>> {
    const running = this.#once(wanted);
    this.#running.add(running);
    const done = (): unknown => this.#running.delete(running);
    running.then(done, done);
    return running;
  }

  /** Never asked twice: there is no line that could have been cut, and the store has waited for its locks already. */
  async ask<T>(wanted: Wanted, read: (bytes: AsyncGenerator<Uint8Array>) => Promise<T>): Promise<T> {
    return read(await this.request(wanted));
  }

  collect(bytes: AsyncIterable<Uint8Array>, max: number): Promise<Buffer> {
    const tooLong = (): PlaitError =>
      new PlaitError('protocol', `${this.origin}: its answer is longer than ${max} bytes`);
    return collectBytes(bytes, max, tooLong);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = new PlaitError('network', `the store ${this.origin} was closed`);
    this.#closing.abort(closed);
    this.#cutting.stop();
    stopTelling(this.#context);
    await Promise.allSettled([...this.#running]);
    await Promise.allSettled([...this.#answers].map((answer) => answer.cut(closed)));
    await this.#cutting.first;
    await this.#options.transfer.close();
  }

  async #once(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>> {
    const { signal: outer, meta, expectIdentity: remembered } = this.#options;
    const abort = new AbortController();
    const others = [outer, wanted.signal].filter((given) => given !== undefined);
    const signal = AbortSignal.any([abort.signal, this.#closing.signal, ...others]);
    const source = new Sent(wanted.body, (piece) => this.#send(piece, signal));
    const failure = (error: unknown): PlaitError => this.#failure(error, signal, source);
    try {
      signal.throwIfAborted();
      // Files that are open outlive their disk: what is written to one that was pulled out would not be there.
      const gone = this.#options.lost?.();
      if (gone) throw gone;
      this.traffic.requests++;
      // What other commands left open there is a part of what it holds.
      await this.#cutting.first;
      recognise(this.origin, meta.self.store, { current: this.#identity, remembered });
      this.#identity = meta.self.store;
      const { match, result } = await this.#handle(wanted, source, signal);
      const pieces = isStreamed(match.route.answer) ? streamOf(result).pieces : [answerBytes(result)];
      return this.#answer(pieces, { abort, signal, failure, silentMs: wanted.silentMs });
    } catch (error) {
      throw failure(error);
    }
  }

  async #handle(wanted: Wanted, source: Sent, signal: AbortSignal): Promise<{ match: Match; result: unknown }> {
    const { pathname, searchParams } = new URL(wanted.path, 'http://in.process');
    const match = matchRoute(routes, wanted.method, pathname);
    if (!match) throw noSuchRoute();
    const { route } = match;
    if (mediaType(route.answer.type) !== mediaType(wanted.answer)) throw noSuchRoute();
    const request: Asked = {
      headers: { [PROTOCOL_HEADER]: String(PROTOCOL), 'content-type': wanted.type, ...wanted.headers },
      params: match.params,
      query: Object.fromEntries(searchParams),
    };
    const checked = await check(route, request, this.#access, this.#context.transferTokens);
    const parsed = route.body && !isStream(route.body.type) ? await this.#whole(route.body.type, source) : undefined;
    const call = makeCall(route, {
      checked,
      parsed,
      access: this.#access,
      signal,
      stream: (max) => source.stream(max),
      note: () => undefined,
    });
    return { match, result: await route.handle(this.#context, call) };
  }

  async #whole(type: string, source: Sent): Promise<unknown> {
    const max = bodyLimit(type, this.#context.limits);
    return parseBody(type, await collectBytes(source.stream(Number.POSITIVE_INFINITY), max, bodyTooLarge));
  }

  #answer(
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    { abort, signal, failure, silentMs }: Reading,
  ): Answer {
    const answer: Answer = new Answer(pieces, {
      taken: async (bytes) => {
        this.traffic.received += bytes;
        // Without a look a feed would go on about what is no longer there.
        const gone = silentMs === undefined ? undefined : this.#options.lost?.();
        if (gone) throw gone;
        await this.#options.pace?.down?.(bytes, signal);
      },
      left: () => abort.abort(new PlaitError('network', 'the reader went away')),
      silence:
        silentMs === undefined
          ? undefined
          : {
              ms: silentMs,
              error: () =>
                new PlaitError('network', `the store ${this.origin} has said nothing for ${silentMs / 1000} s`),
            },
      ended: () => void this.#answers.delete(answer),
      failure,
    });
    this.#answers.add(answer);
    return answer;
  }

  async #send(piece: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    this.traffic.sent += piece.length;
    await this.#options.pace?.up?.(piece.length, signal);
    signal.throwIfAborted();
    return copyOf(piece);
  }

  /** Why it ended: the caller stopped us, what was to be sent could not be read, the store is gone, or it says no. */
  #failure(error: unknown, signal: AbortSignal, source: Sent): PlaitError {
    const reason: unknown = this.#options.signal?.aborted ? this.#options.signal.reason : undefined;
    if (reason !== undefined)
      return reason instanceof PlaitError ? reason : new PlaitError('interrupted', 'stopped', { cause: reason });
    if (signal.aborted) return signal.reason instanceof PlaitError ? signal.reason : givenUp(signal.reason);
    if (source.failed) return ours(source.failed.error);
    if (error instanceof PlaitError && error.code === 'identity') return error;
    return this.#options.lost?.() ?? (error instanceof PlaitError ? told(error) : broken(this.origin, error));
  }
}

/** As a hub's error answer would be read: marked as the other store's, harmless, and never a success. */
function told(error: PlaitError): PlaitError {
  const heard = decodeError(JSON.stringify(encodeError(error))) ?? error;
  const code = ERRORS[heard.code].http < 400 ? 'unexpected' : heard.code;
  return new PlaitError(code, heard.message, { hint: heard.hint, data: heard.data, cause: error });
}

/** No log of a hub says more: what is known goes to the caller. */
const broken = (path: string, cause: unknown): PlaitError =>
  new PlaitError(
    codeOfErrno((cause as NodeJS.ErrnoException).code) ?? 'unexpected',
    `the store ${path} failed: ${textOf(cause)}`,
    { cause },
  );

const givenUp = (cause: unknown): PlaitError => new PlaitError('network', 'the request was given up', { cause });

const ours = (error: unknown): PlaitError =>
  error instanceof PlaitError
    ? error
    : new PlaitError('unexpected', `what was to be sent cannot be read: ${textOf(error)}`, { cause: error });

const localCaller = (label: string): ScopedCaller => ({
  owner: 'local',
  label,
  can: () => true,
  covers: () => true,
  volset: null,
  mayChange: true,
});
