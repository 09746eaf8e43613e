/** What a scan keeps of lstat. Times in nanoseconds since the epoch. */
export interface FileStat {
  size: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  dev: bigint;
  ino: bigint;
  /** Type and permission bits as lstat gives them. */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  /** 512-byte units on disk. */
  blocks: number;
}

/** True when nothing that a stat shows has changed: the file's bytes may be taken as unchanged too. */
export const sameStat = (a: FileStat, b: FileStat): boolean =>
  a.size === b.size &&
  a.mtimeNs === b.mtimeNs &&
  a.ctimeNs === b.ctimeNs &&
  a.ino === b.ino &&
  a.dev === b.dev &&
  a.mode === b.mode;
