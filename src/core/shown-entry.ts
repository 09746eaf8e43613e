/** An entry of a tree as documents show it. */
import type { Entry, EntryKind } from './entry.ts';
import { jsonPath } from './paths.ts';

export type ShownPath = ReturnType<typeof jsonPath>;

export interface ShownEntry extends ShownPath {
  kind: EntryKind;
  /** Octal permission bits. */
  mode: string;
  size: number;
  /** ISO 8601 with nanoseconds; null where it is not kept. */
  mtime: string | null;
  target?: string;
}

export function shownEntry(entry: Entry): ShownEntry {
  const target = entry.target && Buffer.from(entry.target).toString('utf8');
  return {
    ...jsonPath(entry.path),
    kind: entry.kind,
    mode: entry.mode.toString(8).padStart(4, '0'),
    size: entry.size,
    mtime: entry.kind === 'file' ? isoNs(entry.mtime) : null,
    ...(target !== undefined && { target }),
  };
}

/** Nanoseconds since the epoch as ISO 8601 with nine digits. */
export function isoNs(ns: bigint): string {
  const ms = ns >= 0n ? ns / 1_000_000n : -((-ns + 999_999n) / 1_000_000n);
  const rest = (ns - ms * 1_000_000n).toString().padStart(6, '0');
  return new Date(Number(ms)).toISOString().replace('Z', `${rest}Z`);
}
