/**
 * What a peer said last about our blob numbers: which of them it holds, or will never get. Kept for people to read and
 * to see before a contact that nothing is owed; what counts is what the peer says in the session itself.
 */
import { type InstallId, installOf, type VolsetId } from '../core/ids.ts';
import { type Interval, isIntervals } from '../core/intervals.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { Session } from './session.ts';

const keyOf = (install: InstallId, volset: VolsetId): string => `peer.${install}.${volset}.sealed`;

export function lastSealed(meta: Pick<MetaStore, 'settings'>, install: InstallId, volset: VolsetId): Interval[] {
  const text = meta.settings()[keyOf(install, volset)];
  const told: unknown = text === undefined ? [] : JSON.parse(text);
  return isIntervals(told) ? told : [];
}

export function noteSealed({ engine: { meta }, volset, staged }: Session): void {
  const key = keyOf(installOf(staged.identity), volset);
  const text = staged.sealed.length > 0 ? JSON.stringify(staged.sealed) : undefined;
  if (meta.settings()[key] !== text) meta.putSetting(key, text ?? null);
}
