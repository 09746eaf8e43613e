/** Requests to the hub that served this page. Errors are PlaitErrors with the hub's own code, message and hint. */
import { ERRORS, type ErrorCode, PlaitError } from '../core/errors.ts';
import type { StoreId } from '../core/ids.ts';
import { STORE_HEADER } from '../wire/headers.ts';
import type { Session } from './session.ts';

export type Query = Record<string, string | number | undefined>;

interface Ask {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}

export class Api {
  readonly #session: Session;
  readonly #onRefused: () => void;

  /** @param onRefused the token is not, or no longer, taken */
  constructor(session: Session, onRefused: () => void) {
    this.#session = session;
    this.#onRefused = onRefused;
  }

  async get<T>(path: string, ask: Omit<Ask, 'body'> = {}): Promise<T> {
    return (await (await this.open(path, ask)).json()) as T;
  }

  async post<T>(path: string, body: unknown, ask: Omit<Ask, 'body'> = {}): Promise<T> {
    return (await (await this.open(path, { ...ask, body })).json()) as T;
  }

  /** The answer, whose body is still to be read. Throws what the hub says, or `network`. */
  async open(path: string, { query, body, signal }: Ask = {}): Promise<Response> {
    const headers: Record<string, string> = {};
    const { token } = this.#session;
    if (token !== undefined) headers.authorization = `Bearer ${sendable(token)}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    // Relative to the page: a proxy may put the hub below a path of its own.
    const response = await this.#fetch(`.${path}${queryText(query)}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
    });
    if (response.ok) return response;
    const error = await errorOf(response);
    // Only of the token that was sent: another may have been given meanwhile.
    if (error.code === 'unauthorized' && token === this.#session.token) this.#onRefused();
    throw error;
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (cause) {
      if (init.signal?.aborted) throw init.signal.reason;
      throw new PlaitError('network', 'the hub does not answer', {
        hint: 'is it running, and the network there? This page tries again by itself',
        cause,
      });
    }
  }
}

/** No header can carry anything else, which browsers tell as if the network had failed. */
function sendable(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new PlaitError('unauthorized', 'this is no token: it has characters that none has');
}

/** Whose answer it is. Two that come together may be of two stores. */
export const storeOf = ({ headers }: Response): StoreId => headers.get(STORE_HEADER) as StoreId;

function queryText(query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

async function errorOf(response: Response): Promise<PlaitError> {
  const told = await response.json().catch(() => undefined);
  const { code, message, hint } = (told as { error?: Record<string, unknown> } | undefined)?.error ?? {};
  if (typeof code === 'string' && Object.hasOwn(ERRORS, code) && typeof message === 'string')
    return new PlaitError(code as ErrorCode, message, typeof hint === 'string' ? { hint } : {});
  return new PlaitError('network', `the hub answered with status ${response.status}`);
}
