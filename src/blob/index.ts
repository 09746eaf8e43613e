/**
 * The blob engine: chunks, manifest nodes and bodies in packs, one index. Layers, from the bottom: block (objects
 * compressed together), pack (a file of blocks), index (where each object lies), engine (sessions that read, write and
 * receive). `work/` chunks, hashes and compresses on all cores; `manifest/` is the tree of a snapshot. Invariants:
 * packs are synced and in place before the index names them; the index names them before a commit makes a snapshot
 * visible; every object's hash is checked when it is read; only data that is in no visible snapshot is ever removed.
 */
export { wasCollected } from '../core/collected.ts';
export { type DiskEngineOptions, openDiskBlobs } from './disk-engine.ts';
export { type FileLock, takeFileLock, tryFileLock } from './lock.ts';
export { openMemoryBlobs } from './memory-engine.ts';
