/** A peer whose hub is a TransferServer in the same process; what passes is counted. */
import { randomBytes } from 'node:crypto';
import { manifest } from '../../../src/blob/manifest/index.ts';
import { PlaitError } from '../../../src/core/errors.ts';
import type { StoreId } from '../../../src/core/ids.ts';
import type { Peer, Transfer } from '../../../src/core/peer.ts';
import { type ServerLimits, TransferServer } from '../../../src/transfer/server.ts';
import type { Caller, TransferClaims, TransferTokens } from '../../../src/wire/transfer-service.ts';
import type { TestStore } from './stores.ts';

const tokens: TransferTokens = {
  sign: (claims) => JSON.stringify(claims),
  verify: (token) => JSON.parse(token) as TransferClaims,
};
const caller: Caller = { owner: 'tester', label: 'tester', can: () => true };

const identities = new WeakMap<TransferServer, StoreId>();

export function serverOf({ blob, meta }: TestStore, limits?: Partial<ServerLimits>): TransferServer {
  const server = new TransferServer({
    blob,
    meta,
    manifest,
    tokens,
    limits,
    now: () => 1_700_000_000_000,
    randomId: () => randomBytes(16).toString('hex'),
  });
  identities.set(server, meta.self.store);
  return server;
}

export interface Counted {
  offers: number;
  requests: number;
  have: number;
  uploads: number;
  sent: number;
  received: number;
}

export function peerOf(server: TransferServer): { peer: Peer; counted: Counted } {
  const counted: Counted = { offers: 0, requests: 0, have: 0, uploads: 0, sent: 0, received: 0 };
  const claimsOf = (transfer: Transfer, direction: 'up' | 'down'): TransferClaims => {
    const claims = tokens.verify(transfer.token);
    if (claims.direction !== direction) throw new PlaitError('forbidden', 'wrong direction');
    return claims;
  };
  const count = async function* (body: AsyncIterable<Uint8Array>, way: 'sent' | 'received') {
    for await (const piece of body) {
      counted[way] += piece.byteLength;
      yield piece;
    }
  };
  const peer: Partial<Peer> = {
    url: 'loopback:',
    identity: identities.get(server),
    offer: (volset, offers, sender) => {
      counted.offers++;
      return server.answerOffers(volset, offers, caller, sender);
    },
    request: (volset, wants) => {
      counted.requests++;
      return server.answerRequests(volset, wants, caller);
    },
    have: (_, transfer, kind, ids) => {
      counted.have++;
      return server.have(claimsOf(transfer, 'up'), kind, ids);
    },
    upload: (transfer, part) => {
      counted.uploads++;
      return server.receive(claimsOf(transfer, 'up'), count(pieces(part), 'sent'), new AbortController().signal);
    },
    hold: (transfer, kind, prefixes) => server.hold(claimsOf(transfer, 'down'), kind, prefixes),
    download: async (transfer, share) =>
      count(server.send(claimsOf(transfer, 'down'), new AbortController().signal, share), 'received'),
  };
  return { peer: peer as Peer, counted };
}

/** The receiver takes blocks over; a part may be sent again. */
async function* pieces(part: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of part) yield Uint8Array.from(piece);
}
