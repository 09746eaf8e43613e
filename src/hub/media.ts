/** Bodies that are no streams, either way, whoever carries them: their bounds, and from bytes to values and back. */
import { parseJson } from '../core/bounded-json.ts';
import { PlaitError } from '../core/errors.ts';
import { JSON_TYPE, NDJSON_TYPE, TAR_TYPE } from '../wire/headers.ts';
import { MAX_HAVE_IDS } from '../wire/limits.ts';
import { decode } from '../wire/schema.ts';
import type { HubLimits } from './contract.ts';
import type { Route } from './routes/route.ts';

export const isStream = (type: string | undefined): boolean => type === NDJSON_TYPE || type === TAR_TYPE;

/** Bytes that such a body may have. */
export const bodyLimit = (type: string, { jsonBytes }: Pick<HubLimits, 'jsonBytes'>): number =>
  type === JSON_TYPE ? jsonBytes : MAX_HAVE_IDS * 32;

/** JSON is parsed, anything else stays bytes. */
export function parseBody(type: string, body: Buffer): unknown {
  if (type !== JSON_TYPE) return body;
  try {
    return parseJson(body);
  } catch (error) {
    if (error instanceof PlaitError) throw error;
    throw new PlaitError('protocol', 'the request body is not JSON');
  }
}

/** What the route's handler gets to see; `parsed` as parseBody gave it, undefined for streams. */
export const checkedBody = (route: Route, parsed: unknown): unknown =>
  route.body?.schema ? decode(route.body.schema, parsed, 'request') : parsed;

/** What a handler gave, as it is sent. */
export const answerBytes = (result: unknown): Buffer =>
  Buffer.isBuffer(result)
    ? result
    : Buffer.from(typeof result === 'string' || result instanceof Uint8Array ? result : JSON.stringify(result));

export const bodyTooLarge = (): PlaitError => new PlaitError('protocol', 'the request body is too large');

export function refuseLarger(total: number, maxBytes: number): void {
  if (total > maxBytes) throw new PlaitError('quota', `the upload is larger than ${maxBytes} bytes`);
}
