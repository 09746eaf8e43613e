/**
 * Everything that is decided about a request before its body is read, whoever carries it; the order is part of the
 * protocol.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { PlaitError } from '../core/errors.ts';
import { isRandomId, type SnapshotId, type VolsetId } from '../core/ids.ts';
import { mediaType, PROTOCOL_HEADER, TRANSFER_HEADER } from '../wire/headers.ts';
import { PROTOCOL } from '../wire/limits.ts';
import { fault } from '../wire/schema.ts';
import type { TransferClaims, TransferTokens } from '../wire/transfer-service.ts';
import {
  type AccessOptions,
  authorize,
  checkHost,
  identify,
  isAnonymous,
  type ScopedCaller,
  snapshotOf,
  volsetOf,
} from './access.ts';
import { ANONYMOUS } from './bearer-token.ts';
import type { Route } from './routes/route.ts';

export interface Checked {
  caller: ScopedCaller;
  volset: VolsetId | undefined;
  snapshot: SnapshotId | undefined;
  claims: TransferClaims | undefined;
  query: Record<string, string>;
  /** Identifies and authorizes the caller anew. */
  renew(): Promise<ScopedCaller>;
}

/** A request as far as it has come; fastify's is one. */
export interface Asked {
  headers: IncomingHttpHeaders;
  params: unknown;
  query: unknown;
}

export async function check(
  route: Route,
  request: Asked,
  access: AccessOptions,
  tokens: TransferTokens,
): Promise<Checked> {
  const { headers } = request;
  const params = request.params as Record<string, string | undefined>;
  const { right } = route;
  const caller = right === null ? ANONYMOUS : await identify(access, headers.authorization);
  if (right !== null && isAnonymous(caller) && !access.noAuth) checkHost(headers.host);
  const volset = 'volset' in params ? volsetOf(params.volset) : undefined;
  permit(route, access, caller, volset);
  const snapshot = 'snapshot' in params ? snapshotOf(params.snapshot) : undefined;
  const renew = async (): Promise<ScopedCaller> => {
    if (right === null) return caller;
    const present = await identify(access, headers.authorization);
    permit(route, access, present, volset);
    return present;
  };
  const claims = route.transfer && checkTransfer(route, params.upload, caller, headers[TRANSFER_HEADER], tokens);
  checkProtocol(headers[PROTOCOL_HEADER]);
  checkBodyType(route, request);
  return { caller, volset, snapshot, claims, query: checkQuery(route, request.query), renew };
}

function permit({ right, also }: Route, access: AccessOptions, caller: ScopedCaller, volset?: VolsetId): void {
  if (right === null || right === 'any') return;
  authorize(access, caller, also !== undefined && !caller.can(right) && caller.can(also) ? also : right, volset);
}

function checkTransfer(
  route: Route,
  upload: string | undefined,
  caller: ScopedCaller,
  token: string | string[] | undefined,
  tokens: TransferTokens,
): TransferClaims {
  if (upload !== undefined && !isRandomId(upload)) throw new PlaitError('not-found', 'no such transfer here');
  if (typeof token !== 'string') throw new PlaitError('forbidden', 'this address wants a transfer token');
  const claims = tokens.verify(token);
  const ours = claims.owner === caller.owner && caller.covers(claims.volset);
  if (ours && claims.direction === route.transfer && (upload === undefined || claims.uploadId === upload))
    return claims;
  throw new PlaitError('forbidden', 'the transfer token is for another transfer');
}

function checkProtocol(version: string | string[] | undefined): void {
  if (version === undefined || version === String(PROTOCOL)) return;
  throw new PlaitError('protocol', `this hub speaks protocol version ${PROTOCOL} only`, {
    hint: 'update the older of the two',
  });
}

function checkBodyType(route: Route, request: Asked): void {
  if (!route.body) return;
  if (request.headers['content-encoding'] !== undefined) {
    throw new PlaitError('protocol', 'request bodies are not taken with a content encoding');
  }
  if (mediaType(request.headers['content-type']) === route.body.type) return;
  throw new PlaitError('protocol', `the request body must be ${route.body.type}`);
}

function checkQuery(route: Route, query: unknown): Record<string, string> {
  const given = query as Record<string, unknown>;
  const checked: Record<string, string> = {};
  const optional = Object.entries(route.optionalQuery ?? {}).filter(([name]) => given[name] !== undefined);
  for (const [name, schema] of [...Object.entries(route.query ?? {}), ...optional]) {
    const wrong = fault(schema, given[name], name);
    if (wrong !== undefined) throw new PlaitError('protocol', `the query is not valid: ${wrong}`);
    checked[name] = given[name] as string;
  }
  return checked;
}
