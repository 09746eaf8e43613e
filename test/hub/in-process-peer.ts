/** The hub of support.ts as a peer in process: its metadata and transfers behind the same routes, without HTTP. */
import type { StoreId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import { connectInProcess, type InProcessOptions } from '../../src/hub/in-process.ts';
import { HttpPeer } from '../../src/remote/http-peer.ts';
import { asyncMeta } from './memory-meta.ts';
import { SELF, type TestHub } from './support.ts';

export const PLACE = '/mnt/store';

export function inProcess(
  { meta, transfers }: Pick<TestHub, 'meta' | 'transfers'>,
  { self = SELF, ...options }: Partial<InProcessOptions> & { self?: StoreId } = {},
): Peer {
  const connection = connectInProcess({
    origin: PLACE,
    // Without one nobody comes to own what is brought: as on a hub without tokens.
    label: '',
    meta: asyncMeta(meta),
    transfer: transfers,
    transferTokens: transfers.tokens,
    cutEveryMs: 0,
    ...options,
  });
  return new HttpPeer(connection, self);
}
