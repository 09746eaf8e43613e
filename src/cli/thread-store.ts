/** What a thread needs to open a store by itself, as plain data. */
import type { StoreOptions } from '../sync/store.ts';

export interface ThreadStore {
  label: string;
  lockWaitMs: number;
  stateDir?: string | undefined;
  uid?: number | undefined;
}

export const threadStore = ({ label, lockWaitMs, stateDir, uid }: StoreOptions): ThreadStore => ({
  label,
  lockWaitMs,
  stateDir,
  uid,
});
