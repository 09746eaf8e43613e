/** A checked request as its route's handler gets it, whoever carried it. */
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { TransferClaims } from '../wire/transfer-service.ts';
import { type AccessOptions, authorize } from './access.ts';
import type { Checked } from './checks.ts';
import { checkedBody } from './media.ts';
import type { Call, Route } from './routes/route.ts';

export interface Carried extends Pick<Call, 'signal' | 'stream' | 'note'> {
  checked: Checked;
  access: AccessOptions;
  /** The body as media.ts parsed it; undefined for streams. */
  parsed: unknown;
}

export function makeCall(route: Route, { checked, access, parsed, signal, stream, note }: Carried): Call {
  const { caller, volset, snapshot, claims, query, renew } = checked;
  return {
    caller,
    authorize: (right, volset) => authorize(access, caller, right, volset),
    renew,
    volset: volset as VolsetId,
    snapshot: snapshot as SnapshotId,
    claims: claims as TransferClaims,
    query,
    body: checkedBody(route, parsed),
    signal,
    stream,
    note,
  };
}
