/** What a look by `plait doctor` is made of: rows that are right or wrong, each with what was seen and the way out. */
import type { PackInfo } from '../../blob/contract.ts';
import type { Stamp } from '../../meta/contract.ts';
import type { Volume } from '../../volume/contract.ts';
import type { MetaEngine } from '../engine.ts';

export interface CheckRow {
  /** `push origin`, `queue`, …: stable, for programs. */
  name: string;
  /** False: somebody has to look. */
  ok: boolean;
  /** What was seen, for people. */
  detail: string;
  hint: string | null;
}

export interface DoctorOptions {
  /** How old the last success of anything that is to be done regularly may be. */
  maxAgeMs: number;
  /** Config key doctor.scrub-age: all data is to be read and found sound within this time. */
  scrubAgeMs?: number;
  /** Config key doctor.min-free: bytes. */
  minFree?: number;
  /** The index of packs is opened only when it is asked for. */
  packs: () => Promise<PackInfo[]>;
  /** The metadata has an older format, which can only be read. */
  isOldFormat?: () => boolean;
}

/** What all checks look at, read once. */
export interface Look {
  engine: MetaEngine;
  options: DoctorOptions;
  now: number;
  stamps: Stamp[];
  /** Working directories of this store. */
  volumes: Volume[];
}

/** A clock that was set by a moment is nothing to be told of. */
export const SKEW_MS = 300_000;

export const right = (name: string, detail: string, hint: string | null = null): CheckRow => ({
  name,
  ok: true,
  detail,
  hint,
});
export const wrong = (name: string, detail: string, hint: string): CheckRow => ({ name, ok: false, detail, hint });

export const isOld = ({ now, options }: Look, at: number): boolean => now - at > options.maxAgeMs;

const UNITS: [ms: number, unit: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** `3 h ago`, in whole units of the largest that fits. */
export function ago({ now }: Look, at: number): string {
  const ms = now - at;
  if (ms < 60_000) return 'just now';
  const [length, unit] = UNITS.find(([limit]) => ms >= 2 * limit) ?? UNITS[UNITS.length - 1];
  return `${Math.floor(ms / length)} ${unit} ago`;
}

export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** Volumes of one volset stand for it together; the name of what was deleted is its id. */
export const volsetName = ({ engine: { meta } }: Look, volset: string): string =>
  meta.listVolsets().find(({ id }) => id === volset)?.name ?? volset.slice(0, 12);
