/** Transfer tokens: `<payload>.<HMAC-SHA256>`, both base64url. Whoever holds the secret can make them, nobody else. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { PlaitError } from '../core/errors.ts';
import { hex, unhex } from '../core/hash.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { MAX_TRANSFER_SNAPSHOTS, MAX_TRANSFER_TOKEN } from '../wire/limits.ts';
import type { TransferClaims, TransferTokens } from '../wire/transfer-service.ts';

/** Separates these MACs from any other use of the same secret. */
const PURPOSE = 'plait transfer 1\0';
const ID_BYTES = 32;

/** Ids packed as base64url of their raw bytes: 128 of them must fit into a header. */
interface Payload {
  v: string;
  d: 'up' | 'down';
  u: string;
  s: string;
  b: string | null;
  o: string;
  e: number;
}

/** `secret`: at least 32 random bytes, one per store. `now` in milliseconds since the epoch. */
export function createTransferTokens(secret: Uint8Array, now: () => number = Date.now): TransferTokens {
  if (secret.length < 32) throw new PlaitError('bad-config', 'the secret for transfer tokens is shorter than 32 bytes');
  const mac = (payload: string): Buffer => createHmac('sha256', secret).update(PURPOSE).update(payload).digest();
  return {
    sign(claims) {
      const payload = Buffer.from(JSON.stringify(pack(claims))).toString('base64url');
      return `${payload}.${mac(payload).toString('base64url')}`;
    },
    verify(token) {
      const dot = token.indexOf('.');
      if (token.length > MAX_TRANSFER_TOKEN || dot < 0) throw refused('is malformed');
      const payload = token.slice(0, dot);
      const given = Buffer.from(token.slice(dot + 1), 'base64url');
      const expected = mac(payload);
      if (given.length !== expected.length || !timingSafeEqual(given, expected))
        throw refused('was not issued by this hub');
      const claims = unpack(JSON.parse(Buffer.from(payload, 'base64url').toString()) as Payload);
      if (claims.expiresAt <= now()) throw refused('has expired');
      return claims;
    },
  };
}

function pack(claims: TransferClaims): Payload {
  if (claims.snapshots.length > MAX_TRANSFER_SNAPSHOTS) {
    throw new PlaitError('unexpected', `a transfer token names at most ${MAX_TRANSFER_SNAPSHOTS} snapshots`);
  }
  const s = Buffer.concat(claims.snapshots.map(unhex)).toString('base64url');
  const { volset: v, direction: d, uploadId: u, base: b, owner: o, expiresAt: e } = claims;
  return { v, d, u, s, b, o, e };
}

/** Only payloads that we signed ourselves come here. */
function unpack(payload: Payload): TransferClaims {
  const ids = Buffer.from(payload.s, 'base64url');
  const snapshots: SnapshotId[] = [];
  for (let i = 0; i < ids.length; i += ID_BYTES) snapshots.push(hex(ids.subarray(i, i + ID_BYTES)) as SnapshotId);
  return {
    volset: payload.v as VolsetId,
    direction: payload.d,
    uploadId: payload.u,
    snapshots,
    base: payload.b as SnapshotId | null,
    owner: payload.o,
    expiresAt: payload.e,
  };
}

const refused = (why: string): PlaitError =>
  new PlaitError('forbidden', `the transfer token ${why}`, { hint: 'run the command again: it asks for a new one' });
