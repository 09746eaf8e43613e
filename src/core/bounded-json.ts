/**
 * JSON of a peer, in memory that its length bounds. V8 needs some 40 bytes for an object or list, so that 16 MiB of
 * `{},` would become 600 MB of nothing: what is longer than one line is counted before it is parsed.
 */
import { PlaitError } from './errors.ts';

/** Objects and lists in one document. The longest list of the protocol, 100,000 volsets with branches, is below it. */
export const MAX_JSON_CONTAINERS = 500_000;

const OBJECT = 0x7b;
const LIST = 0x5b;

/** Throws `protocol` for too many objects and lists, SyntaxError for what is not JSON. Those in texts count as well. */
export function parseJson(bytes: Uint8Array): unknown {
  let containers = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === OBJECT || bytes[i] === LIST) containers++;
  if (containers > MAX_JSON_CONTAINERS) throw new PlaitError('protocol', 'JSON of more objects than it may hold');
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}
