/** Answers that are text and may be long, packed for clients that say they can unpack them: browsers do. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Smaller ones fit into a packet or two as they are. */
const WORTH = 1024;
/** Off this thread; more than that costs more time than it saves on all but the slowest lines. */
const LEVEL = 4;

const pack = promisify(gzip);
/** Files of the page are asked for by anybody, without a token: each is packed once. */
const packed = new WeakMap<Buffer, Promise<Buffer>>();

function packOnce(bytes: Buffer): Promise<Buffer> {
  const before = packed.get(bytes);
  if (before) return before;
  const now = pack(bytes, { level: LEVEL });
  packed.set(bytes, now);
  return now;
}

/** Caches are told that another client may get other bytes. @param accepts the request's `accept-encoding` */
export async function compressed(
  bytes: Buffer,
  accepts: string | undefined,
): Promise<{ bytes: Buffer; headers: Readonly<Record<string, string>> }> {
  const headers = { vary: 'accept-encoding' };
  if (bytes.length < WORTH || accepts === undefined || !takesGzip(accepts)) return { bytes, headers };
  return { bytes: await packOnce(bytes), headers: { ...headers, 'content-encoding': 'gzip' } };
}

/** `gzip`, unless it is weighed with nothing. */
const takesGzip = (accepts: string): boolean =>
  accepts.split(',').some((one) => {
    const [coding, ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    return coding === 'gzip' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
