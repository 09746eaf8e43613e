/**
 * The only folder that changes files on disk by itself: a small set of primitives (write through a temporary name and
 * rename, fsync of files and folders, opening beneath a directory without following links). blob, meta and volume
 * build on them and on nothing else, so that crash tests can record and replay every write. Imports core only.
 */
