/**
 * What a peer said last about our blob numbers: which of them it holds, or will never get. Kept for people to read and
 * to see before a contact that nothing is owed; what counts is what the peer says in the session itself.
 */
import { type InstallId, installOf, type SnapshotId, type StoreId, type VolsetId } from '../core/ids.ts';
import { type Interval, intervalsOf, isIntervals, union } from '../core/intervals.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { Session } from './session.ts';

const keyOf = (install: InstallId, volset: VolsetId): string => `peer.${install}.${volset}.sealed`;

export function lastSealed(meta: Pick<MetaStore, 'settings'>, install: InstallId, volset: VolsetId): Interval[] {
  const text = meta.settings()[keyOf(install, volset)];
  const told: unknown = text === undefined ? [] : JSON.parse(text);
  return isIntervals(told) ? told : [];
}

const blobsKey = (store: StoreId, volset: VolsetId): string => `peer.${store}.${volset}.blobs`;

/** A store's largest number of a blob, as it last said. It never falls unless the store went back, and lost data. */
export const lastBlobs = (meta: Pick<MetaStore, 'settings'>, store: StoreId, volset: VolsetId): number =>
  Number(meta.settings()[blobsKey(store, volset)] ?? 0);

/** `sent`: what it holds since it was asked. */
export function noteSealed({ engine: { meta }, volset, staged }: Session, sent: ReadonlySet<SnapshotId>): void {
  if (!staged.partial && staged.blobs !== lastBlobs(meta, staged.identity, volset))
    meta.putSetting(blobsKey(staged.identity, volset), String(staged.blobs));
  const key = keyOf(installOf(staged.identity), volset);
  const numbers = sent.size > 0 ? Object.values(meta.blobNumbers(volset, [...sent])) : [];
  const sealed = union(staged.sealed, intervalsOf(numbers));
  const text = sealed.length > 0 ? JSON.stringify(sealed) : undefined;
  if (meta.settings()[key] !== text) meta.putSetting(key, text ?? null);
}
