/**
 * The note that a checkout wrote more files than it was worth syncing one by one: they are on the disk when the kernel
 * has written them, and not before. In the same boot nothing follows from it; after another one `findTorn` looks at
 * them. It goes when the kernel must have written all.
 */

import { join } from 'node:path';
import { isSnapshotId, type SnapshotId } from '../core/ids.ts';
import { bootId, secondsUp, writesBackSoon } from '../disk/boot.ts';
import { fsyncDir } from '../disk/durable.ts';
import { removeFile } from '../disk/files.ts';
import type { Volume } from './contract.ts';
import { findText, openJson, writeJson } from './state.ts';

export interface Doubt {
  /** What was checked out before, all of it on the disk; null: nothing is known to be. */
  from: SnapshotId | null;
  /** Of the system that wrote the files; null: not this one, whichever it was. */
  boot: string | null;
  /** When they were written, in seconds since that boot, and how much it was. */
  since: number;
  bytes: number;
}

const NAME = 'unsynced.json';
const UNREADABLE: Doubt = { from: null, boot: null, since: 0, bytes: 0 };
/** By then the kernel has begun to write; from then on as slow as the slowest disk. */
const SETTLED_AFTER = 600;
const BYTES_A_SECOND = 1 << 20;

const isAmount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export function findDoubt(stateDir: string): Doubt | undefined {
  const text = findText(join(stateDir, NAME));
  if (text === undefined) return undefined;
  const { version, from = null, boot = null, since, bytes } = openJson(text) ?? {};
  const isSound =
    version === 1 &&
    (from === null || isSnapshotId(from)) &&
    (boot === null || typeof boot === 'string') &&
    isAmount(since) &&
    isAmount(bytes);
  // Then everything is looked at, which is always right.
  return isSound ? ({ from, boot, since, bytes } as Doubt) : UNREADABLE;
}

/** Before the base moves. What an earlier note says stays true. */
export function noteDoubt({ stateDir, state }: Volume, bytes: number): void {
  const known = findDoubt(stateDir);
  const boot = bootId();
  const from = known ? null : state.base;
  write(stateDir, {
    from,
    boot: known && known.boot !== boot ? null : boot,
    since: secondsUp(),
    bytes: bytes + (known?.bytes ?? 0),
  });
}

/** After another boot all were looked at, and so much was written anew. */
export function renewDoubt(stateDir: string, { from }: Doubt, bytes: number): void {
  write(stateDir, { from, boot: bootId(), since: secondsUp(), bytes });
}

const write = (stateDir: string, doubt: Doubt): void => writeJson(join(stateDir, NAME), { version: 1, ...doubt });

/** After another start of the system, or one that cannot be told: files may be torn. */
export const isInDoubt = (doubt: Doubt | undefined): boolean => doubt !== undefined && doubt.boot !== bootId();

/** In the same boot: the kernel has had the time to write all. */
export function isWrittenBack({ boot, since, bytes }: Doubt): boolean {
  if (boot === null || boot !== bootId() || !writesBackSoon()) return false;
  return secondsUp() - since >= SETTLED_AFTER + bytes / BYTES_A_SECOND;
}

export function dropDoubt({ stateDir, state }: Volume): void {
  // With this a disk writes out what only its own cache holds.
  fsyncDir(state.dir);
  removeFile(join(stateDir, NAME));
  fsyncDir(stateDir);
}
