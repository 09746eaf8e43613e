/**
 * Who may do what, decided before a byte of the body is read. A hub without tokens answers everyone who can reach it,
 * which is why it listens on loopback only; tokens made or revoked meanwhile count from the next request on.
 */
import { PlaitError } from '../core/errors.ts';
import { isSnapshotId, isVolsetId, type SnapshotId, type VolsetId } from '../core/ids.ts';
import { type Caller, RIGHTS, type Right } from '../wire/transfer-service.ts';
import { ANONYMOUS, authenticate, callerOf } from './bearer-token.ts';
import type { HubMeta } from './contract.ts';

export type ScopedCaller = Caller & {
  covers(volset: string): boolean;
  /** The one that it is for; null: all. */
  volset: VolsetId | null;
  /** Records of this bearer may rename and delete branches and volsets that are here. */
  mayChange: boolean;
};

/** What a hub does for nobody, whatever a token says. */
export interface HubMode {
  readOnly?: boolean;
  /** Takes what is added; nothing that is here is taken away or renamed. */
  appendOnly?: boolean;
}

export interface AccessOptions extends HubMode {
  meta: Pick<HubMeta, 'listTokens'>;
  /** Who asks, where nobody else can: a store that is opened in process. */
  local?: ScopedCaller;
  noAuth: boolean;
  now: () => number;
}

/** Throws `unauthorized` where a token is wanted and none that holds was given. The hub's mode is in the caller's rights. */
export async function identify(options: AccessOptions, authorization: string | undefined): Promise<ScopedCaller> {
  return within(options, await bearerOf(options, authorization));
}

async function bearerOf(options: AccessOptions, authorization: string | undefined): Promise<ScopedCaller> {
  if (options.local) return options.local;
  if (options.noAuth) return ANONYMOUS;
  const rows = await options.meta.listTokens();
  // Revoked rows count: a hub whose last token was revoked is closed, not open.
  if (rows.length === 0) return ANONYMOUS;
  return callerOf(authenticate(authorization, rows, options.now()));
}

const LEFT: readonly [keyof HubMode, (right: Right) => boolean][] = [
  ['readOnly', (right) => right === 'read'],
  ['appendOnly', (right) => right !== 'delete' && right !== 'admin'],
];

function within(mode: HubMode, caller: ScopedCaller): ScopedCaller {
  const limits = LEFT.filter(([name]) => mode[name]).map(([, allows]) => allows);
  if (limits.length === 0) return caller;
  return {
    ...caller,
    can: (right) => caller.can(right) && limits.every((allows) => allows(right)),
    mayChange: caller.mayChange && mode.readOnly !== true && mode.appendOnly !== true,
  };
}

export const isAnonymous = ({ owner }: Caller): boolean => owner === ANONYMOUS.owner;

/** In the order of the table, those that are implied included. */
export const rightsOf = (caller: ScopedCaller): Right[] => RIGHTS.filter((right) => caller.can(right));

/** Throws `forbidden` when the caller lacks the right, here or for this volset; says nothing about what exists. */
export function authorize(options: AccessOptions, caller: ScopedCaller, right: Right, volset?: VolsetId): void {
  if (options.readOnly && right !== 'read') {
    throw new PlaitError('forbidden', 'this hub is read-only', { hint: 'push to another one' });
  }
  if (options.appendOnly && right === 'delete') {
    throw new PlaitError('forbidden', 'this hub takes what is added and deletes nothing (append-only)', {
      hint: 'whoever runs it can delete there with `plait gc` or `plait drop`',
    });
  }
  if (!caller.can(right)) {
    throw new PlaitError('forbidden', `the token does not allow to ${right}`, {
      hint: `make one at the hub with \`plait token create --can ${right}\``,
    });
  }
  if (volset !== undefined && !caller.covers(volset)) {
    throw new PlaitError('forbidden', 'the token is not for this volume set', {
      hint: "make one at the hub with `plait token create --volset '*'`",
    });
  }
}

/** A path parameter that must be a volset id; anything else names nothing that could exist. */
export function volsetOf(value: string | undefined): VolsetId {
  if (isVolsetId(value)) return value;
  throw new PlaitError('not-found', 'no such volume set here', { hint: 'see `plait remote show`' });
}

export function snapshotOf(value: string | undefined): SnapshotId {
  if (isSnapshotId(value)) return value;
  throw new PlaitError('not-found', 'no such snapshot here', { hint: 'see `plait log`' });
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3}|localhost)$/i;
export const isLoopback = (host: string): boolean => LOOPBACK.test(host.replace(/^\[|\]$/g, ''));

/**
 * A page in the user's browser may resolve its own name to 127.0.0.1 and so reach a hub that needs no token; such a
 * request still names the page's host.
 */
export function checkHost(host: string | undefined): void {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host ?? '')?.[1];
  if (name !== undefined && isLoopback(name)) return;
  throw new PlaitError('forbidden', 'a hub without tokens answers only to localhost', {
    hint: 'make a token with `plait token create`, or serve with --no-auth',
  });
}
