/**
 * Working directories. Scanning and checking out are plain file work; bytes come and go through functions that the
 * caller passes in. Rules: never write through a link, never over an unsaved change; what cannot be looked at is never
 * taken for deleted; a checkout that was cut off is finished before anything else.
 */
export { forgetStats } from './cache-session.ts';
export { collectChanges } from './changes.ts';
export { checkout } from './checkout.ts';
export { dropDoubt, findDoubt, isInDoubt, isWrittenBack, renewDoubt } from './doubt.ts';
export { readTop, setTop } from './top.ts';
export { findTorn } from './torn.ts';
export {
  createVolume,
  type FoundVolume,
  findVolume,
  listVolumes,
  type NewVolume,
  openVolume,
  refuseInside,
} from './volume.ts';
export { type WatchDirectory, watchDirectory } from './watch/directory-watch.ts';
export { exists, NameWatch } from './watch/name-watch.ts';
export { TreeWatcher } from './watch/tree-watcher.ts';
