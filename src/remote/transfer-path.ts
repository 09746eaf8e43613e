/** Where a transfer is, as a path below the peer's own origin. */
import { PlaitError } from '../core/errors.ts';
import { isRandomId } from '../core/ids.ts';
import type { Transfer } from '../core/peer.ts';

/** A store in this process has a path for its origin; its transfers are named below whatever stands here. */
const IN_PROCESS = 'http://in.process';

/** A URL from a peer is followed on the peer's own origin only, and only to a transfer. */
export function transferPath(peer: string, { url }: Pick<Transfer, 'url'>): string {
  const origin = URL.canParse(peer) ? peer : IN_PROCESS;
  const target = URL.canParse(url, origin) ? new URL(url, origin) : undefined;
  const id = target && /^\/v1\/transfers\/([^/]+)$/.exec(target.pathname)?.[1];
  if (target && target.origin === origin && isRandomId(id) && target.search === '' && target.hash === '')
    return target.pathname;
  throw new PlaitError('protocol', `${peer} names a transfer elsewhere`, {
    hint: 'transfers are followed at the hub itself only; if it stands behind a proxy, its answers must not be rewritten',
  });
}
