/** Events of `sync --follow`, with what most tests do not care about filled in. */
import type { VolsetId } from '../../src/core/ids.ts';
import type { FollowEvent } from '../../src/sync/follow/events.ts';

export const RESULTS = '81e14c7f00000000000000000000000a' as VolsetId;
export const DRAFTS = '0c9be2d100000000000000000000000b' as VolsetId;
export const A = `2899f387fbd2${'0'.repeat(52)}`;
export const B = `8c7990b58fcb${'0'.repeat(52)}`;

type Rest<T> = T extends FollowEvent ? Omit<T, 'remote' | 'volset' | 'volsetId' | 'rev'> & Partial<T> : never;

export const followEvent = (rest: Rest<FollowEvent>): FollowEvent =>
  ({ remote: 'origin', volset: 'results', volsetId: RESULTS, rev: 41, ...rest }) as FollowEvent;

export const inSync = (rest: Partial<FollowEvent> = {}): FollowEvent =>
  followEvent({ event: 'status', type: 'status', status: 'in-sync', ...rest } as Rest<FollowEvent>);

export const catchingUp = (rest: Partial<FollowEvent> = {}): FollowEvent =>
  followEvent({ event: 'status', type: 'status', status: 'resync', ...rest } as Rest<FollowEvent>);

export const waiting = (message?: string, retryInMs?: number, rest: Partial<FollowEvent> = {}): FollowEvent =>
  followEvent({
    event: 'status',
    type: 'status',
    status: 'waiting',
    ...(message !== undefined && { reason: { code: 'network', message } }),
    ...(retryInMs !== undefined && { retryInMs }),
    ...rest,
  } as Rest<FollowEvent>);

export const moved = (rest: Partial<FollowEvent> = {}): FollowEvent =>
  followEvent({
    event: 'branch',
    type: 'updated',
    object: 'branch:691aa025',
    name: 'main',
    side: 'here',
    from: A,
    to: B,
    ...rest,
  } as Rest<FollowEvent>);
