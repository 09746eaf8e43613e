/** How much of the data was read back, and how long ago: what a rolling scrub is measured by. */
import type { PackInfo } from '../../blob/contract.ts';

export interface Coverage {
  /** Packs that were once read whole and found sound, and their bytes. */
  packs: number;
  bytes: number;
  /** Of all bytes in packs, 0 to 1. */
  share: number;
  /** ISO 8601: when the one of them that was not read for longest was read; null: none yet. */
  oldest: string | null;
}

export function coverageOf(all: readonly PackInfo[]): Coverage {
  const read = all.filter(({ verified }) => verified !== null);
  const sum = (packs: readonly PackInfo[]): number => packs.reduce((bytes, pack) => bytes + pack.bytes, 0);
  const [bytes, total] = [sum(read), sum(all)];
  const oldest = read.reduce((least, { verified }) => Math.min(least, verified ?? 0), Number.POSITIVE_INFINITY);
  return {
    packs: read.length,
    bytes,
    share: total === 0 ? 1 : bytes / total,
    oldest: Number.isFinite(oldest) ? new Date(oldest).toISOString() : null,
  };
}
