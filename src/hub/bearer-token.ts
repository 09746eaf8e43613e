/** Bearer tokens: `plait_<id>_<secret>`. The store keeps their SHA-256 only; the text itself is shown once, when made. */
import { hash, timingSafeEqual } from 'node:crypto';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import type { TokenRow } from '../meta/contract.ts';
import { MAX_BEARER } from '../wire/limits.ts';
import type { Right } from '../wire/transfer-service.ts';
import type { ScopedCaller } from './access.ts';

const FORM = /^plait_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export interface NewToken {
  /** '*' or one volset id. */
  volset: string;
  can: Right[];
  label: string;
  /** Milliseconds since the epoch; null = never. */
  expires: number | null;
}

/** `random` gives that many random bytes, `now` milliseconds since the epoch. Give `text` to its bearer, keep `row`. */
export function newToken(
  wanted: NewToken,
  random: (bytes: number) => Uint8Array,
  now: number,
): { text: string; row: TokenRow } {
  const id = Buffer.from(random(6)).toString('hex');
  const text = `plait_${id}_${Buffer.from(random(32)).toString('base64url')}`;
  return { text, row: { id, hash: sha256(text).toString('hex'), created: now, revoked: false, ...wanted } };
}

/**
 * The row of the token in an Authorization header. Throws `unauthorized` with one and the same message for a wrong
 * scheme, an unknown id and a wrong secret; expiry and revocation are told, for only the bearer can get that far.
 */
export function authenticate(header: string | undefined, rows: TokenRow[], now: number): TokenRow {
  const text = bearerOf(header);
  const match = text === undefined ? null : FORM.exec(text);
  const row = match ? rows.find((candidate) => candidate.id === match[1]) : undefined;
  // An unknown id takes the same time as a wrong secret.
  const expected = row ? Buffer.from(row.hash, 'hex') : Buffer.alloc(32);
  const genuine = timingSafeEqual(sha256(text ?? ''), expected.length === 32 ? expected : Buffer.alloc(32));
  if (!row || !genuine) throw refused(header === undefined ? 'this hub wants a token' : 'the token is not valid here');
  if (row.revoked) throw refused('the token has been revoked');
  if (row.expires !== null && row.expires <= now) throw refused('the token has expired');
  return row;
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined || header.length > MAX_BEARER) return undefined;
  return /^Bearer +(\S+)$/i.exec(header)?.[1];
}

const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer');

const refused = (message: string): PlaitError =>
  new PlaitError('unauthorized', message, {
    hint: 'make one at the hub with `plait token create`, then `plait remote add … --token-file FILE` or set PLAIT_TOKEN',
  });

const IMPLIED: Record<string, readonly Right[]> = {
  write: ['append'],
  admin: ['read', 'append', 'write', 'delete'],
};

/** What a token's bearer may do, and where. */
export function callerOf(row: TokenRow): ScopedCaller {
  const rights = new Set<string>(row.can);
  for (const right of row.can) for (const more of IMPLIED[right] ?? []) rights.add(more);
  return {
    owner: row.id,
    label: row.label,
    can: (right) => rights.has(right),
    covers: (volset) => row.volset === '*' || row.volset === volset,
    volset: row.volset === '*' ? null : (row.volset as VolsetId),
    // Who may not read adds only: a token on a machine that is broken into must not take away what is there.
    mayChange: rights.has('delete') || (rights.has('write') && rights.has('read')),
  };
}

export const ANONYMOUS: ScopedCaller = {
  owner: 'anonymous',
  label: 'anonymous',
  can: () => true,
  covers: () => true,
  volset: null,
  mayChange: true,
};
