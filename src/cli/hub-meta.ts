/** Opens the metadata store on the hub's thread for it. */
import type { MetaStore } from '../meta/contract.ts';
import { openMeta } from '../sync/store.ts';
import { worldOf } from './open-engine.ts';

export interface HubMetaOptions {
  dir: string;
  label: string;
  lockWaitMs: number;
  stateDir?: string;
  uid?: number;
}

export const openHubMeta = ({ dir, ...options }: HubMetaOptions): MetaStore =>
  openMeta(dir, { ...options, world: worldOf() });
