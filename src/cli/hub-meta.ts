/** Opens the metadata store on the hub's thread for it. */
import type { MetaStore } from '../meta/contract.ts';
import { openMeta } from '../sync/store.ts';
import { worldOf } from './open-engine.ts';
import type { ThreadStore } from './thread-store.ts';

export interface HubMetaOptions extends ThreadStore {
  dir: string;
}

export const openHubMeta = ({ dir, ...options }: HubMetaOptions): MetaStore =>
  openMeta(dir, { ...options, world: worldOf() });
