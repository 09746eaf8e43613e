/** From Node's stats to the FileStat of the core. */
import type { BigIntStats } from 'node:fs';
import type { EntryKind } from '../core/entry.ts';
import type { FileStat } from '../core/stat.ts';

export const fileStat = (stats: BigIntStats): FileStat => ({
  size: Number(stats.size),
  mtimeNs: stats.mtimeNs,
  ctimeNs: stats.ctimeNs,
  dev: stats.dev,
  ino: stats.ino,
  mode: Number(stats.mode),
  nlink: Number(stats.nlink),
  uid: Number(stats.uid),
  gid: Number(stats.gid),
  blocks: Number(stats.blocks ?? 0n),
});

const TYPE = 0o170000;

/** What a mode says the path is; undefined for sockets, pipes and devices. */
export function kindOfMode(mode: number): EntryKind | undefined {
  switch (mode & TYPE) {
    case 0o100000:
      return 'file';
    case 0o040000:
      return 'dir';
    case 0o120000:
      return 'symlink';
    default:
      return undefined;
  }
}
