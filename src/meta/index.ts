/**
 * Metadata of a store: the replicated log and what is derived from it, refs, peers, local configuration. One contract
 * (contract.ts); the engine is SQLite, on a file or in memory. Knows nothing of blobs and volumes. Imports core only.
 */
export type {
  Applied,
  BranchView,
  DeltasPage,
  DeltasPlan,
  Edit,
  Fields,
  MetaStore,
  PeerState,
  RemoteConfig,
  Round,
  Self,
  SnapshotView,
  TokenRow,
  VolsetView,
} from './contract.ts';
export { MetaRebuild, type RebuildReport, rebuildMeta } from './rebuild.ts';
export { refuseOpen } from './sqlite/alone.ts';
export { laterEpoch } from './sqlite/identity.ts';
export type { Migration } from './sqlite/old-format.ts';
export { type MetaOptions, migrateMetaStore, openMetaStore } from './sqlite/open.ts';
