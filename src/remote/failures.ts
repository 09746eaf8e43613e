/** What can go wrong below HTTP, as errors that say which hub, what happened and what to try. */
import { PlaitError } from '../core/errors.ts';

interface Known {
  what: string;
  hint: string;
}

const TLS_HINT =
  'if this is the right hub, name its certificate authority: `plait remote add NAME URL --ca FILE`, or NODE_EXTRA_CA_CERTS=FILE for `plait clone`';
const untrusted: Known = { what: 'its TLS certificate is not trusted', hint: TLS_HINT };
const slow: Known = { what: 'it did not answer in time', hint: 'is the network up? try again later' };
const cut: Known = { what: 'the connection was cut', hint: 'run the command again: it continues where it stopped' };

const KNOWN: Record<string, Known> = {
  ECONNREFUSED: {
    what: 'nothing listens there',
    hint: 'is the hub running? start it with `plait serve`, or check the URL',
  },
  ENOTFOUND: { what: 'no such host', hint: 'check the URL with `plait remote list`' },
  EAI_AGAIN: { what: 'the name cannot be resolved just now', hint: 'is the network up? try again later' },
  EHOSTUNREACH: { what: 'the host cannot be reached', hint: 'is the network up? try again later' },
  ENETUNREACH: { what: 'the network cannot be reached', hint: 'is the network up? try again later' },
  ETIMEDOUT: slow,
  UND_ERR_CONNECT_TIMEOUT: slow,
  UND_ERR_HEADERS_TIMEOUT: slow,
  UND_ERR_BODY_TIMEOUT: slow,
  ECONNRESET: cut,
  EPIPE: cut,
  UND_ERR_SOCKET: cut,
  UND_ERR_ABORTED: cut,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: cut,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: { what: 'its TLS certificate has expired', hint: 'have it renewed at the hub' },
  CERT_NOT_YET_VALID: { what: 'its TLS certificate is not valid yet', hint: 'check the clocks of both machines' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: 'its TLS certificate is for another host',
    hint: 'use the name in the certificate',
  },
};

/** Not worth a second try: nothing changes by itself. */
const LASTING = new Set<Known>([
  untrusted,
  KNOWN.CERT_HAS_EXPIRED,
  KNOWN.CERT_NOT_YET_VALID,
  KNOWN.ERR_TLS_CERT_ALTNAME_INVALID,
]);

/** `origin` has no credentials in it. An error that is ours already passes through. */
export function networkError(thrown: unknown, origin: string): PlaitError {
  if (thrown instanceof PlaitError) return thrown;
  const code = codeOf(thrown);
  if (code.startsWith('HPE_') || isParserError(thrown) || code === 'UND_ERR_HEADERS_OVERFLOW')
    return notAHub(origin, 'it does not speak HTTP');
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return new PlaitError('protocol', `no TLS with ${origin}`, {
      hint: 'does the hub speak plain http there? check the URL',
      cause: thrown,
    });
  }
  const known = Object.hasOwn(KNOWN, code) ? KNOWN[code] : undefined;
  const what = known?.what ?? (code === '' ? 'the request failed' : `the request failed (${code})`);
  return new PlaitError('network', `cannot reach ${origin}: ${what}`, {
    hint: known?.hint ?? 'try again; if it stays so, check the URL and the network',
    data: { url: origin, ...(code !== '' && { cause: code }) },
    cause: thrown,
  });
}

export const isLasting = (error: PlaitError): boolean => {
  // A hub that is behind has waited before it said so.
  if (error.code === 'behind') return true;
  const code = error.data?.cause;
  return typeof code === 'string' && Object.hasOwn(KNOWN, code) && LASTING.has(KNOWN[code]);
};

/** The connection stood, and nothing came or went: each attempt takes long, so that few are made. */
export const isStall = (error: PlaitError): boolean =>
  error.data?.cause === 'UND_ERR_HEADERS_TIMEOUT' || error.data?.cause === 'UND_ERR_BODY_TIMEOUT';

/** A body that makes no progress, found out by ourselves. */
export const stalledError = (origin: string): PlaitError =>
  networkError(Object.assign(new Error('no progress'), { code: 'UND_ERR_BODY_TIMEOUT' }), origin);

export const notAHub = (origin: string, why: string): PlaitError =>
  new PlaitError('protocol', `${origin} is no plait hub: ${why}`, {
    hint: 'check the URL with `plait remote list`',
    data: { url: origin },
  });

/** Its code is missing where the parser has no name for what it met. */
const isParserError = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'HTTPParserError';

/** Codes hide in causes, and in the members of an AggregateError when several addresses were tried. */
function codeOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; depth++) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === 'string' && code !== 'UND_ERR') return code;
    error = error instanceof AggregateError ? error.errors[0] : error.cause;
  }
  return '';
}
