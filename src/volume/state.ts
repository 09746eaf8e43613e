/** volume.json and the `.plait` file that points from a working directory to a store elsewhere. */
import { hash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { isBranchId, isNodeId, isRandomId, isSnapshotId, isVolsetId } from '../core/ids.ts';
import { writeFileDurable } from '../disk/durable.ts';
import type { VolumeState } from './contract.ts';

export const STATE_NAME = 'volume.json';
export const DOT_PLAIT = '.plait';

/** What a `.plait` file holds. */
export interface Pointer {
  /** Absolute path. */
  store: string;
  volume: string;
}

/** With a checksum: a path or an id with a flipped bit is still a path or an id. */
export const sealedJson = (value: object): Buffer =>
  Buffer.from(`${JSON.stringify({ ...value, sum: sumOf(JSON.stringify(value)) })}\n`);

const sumOf = (text: string): string => hash('sha256', text, 'hex').slice(0, 16);

/** undefined where there is no such file. */
export function findText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What `sealedJson` wrote, without the checksum. Files of earlier versions have none. */
export function openJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const { sum, ...rest } = value as Record<string, unknown>;
    return sum === undefined || sum === sumOf(JSON.stringify(rest)) ? rest : undefined;
  } catch {
    return undefined;
  }
}

export const writeJson = (path: string, value: object): void =>
  writeFileDurable(path, sealedJson(value), randomBytes(8).toString('hex'));

function parseJson(path: string): Record<string, unknown> {
  const value = openJson(readFileSync(path, 'utf8'));
  if (value) return value;
  throw new PlaitError('format', `${path} is damaged, or is not what plait writes`, {
    hint: 'see `plait verify`; a newer plait may have written it',
  });
}

const orNull = (test: (value: unknown) => boolean) => (value: unknown) => value === null || test(value);

/** Absent where there is nothing to note. */
const NOTES = ['expected', 'moving'] as const;

const FIELDS: Record<Exclude<keyof VolumeState, 'version' | (typeof NOTES)[number]>, (value: unknown) => boolean> = {
  id: isRandomId,
  dir: (value) => typeof value === 'string' && isAbsolute(value),
  volset: isVolsetId,
  branch: orNull(isBranchId),
  base: orNull(isSnapshotId),
  baseRoot: orNull(isNodeId),
  preserve: (value) => Array.isArray(value) && value.every((item) => item === 'owner' || item === 'suid'),
};

export function readState(stateDir: string): VolumeState {
  const path = join(stateDir, STATE_NAME);
  const value = parseJson(path);
  if (value.version !== 1) {
    throw new PlaitError('format', `${path} has a version that this plait does not know`, { hint: 'upgrade plait' });
  }
  for (const [field, isSound] of Object.entries(FIELDS)) {
    if (!isSound(value[field])) throw new PlaitError('format', `${path}: ${field} is not sound`);
  }
  for (const field of NOTES) {
    if (orNull(isSnapshotId)(value[field] ?? null)) continue;
    throw new PlaitError('format', `${path}: ${field} is not sound`);
  }
  return value as unknown as VolumeState;
}

/** What `.plait` in `dir` is: a store, a pointer to one, or nothing. */
export function readDotPlait(dir: string): { store: string; volume?: string } | undefined {
  const path = join(dir, DOT_PLAIT);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return { store: path };
  if (!stat?.isFile()) return undefined;
  const { store, volume } = parseJson(path);
  if (typeof store !== 'string' || !isAbsolute(store) || !isRandomId(volume)) {
    throw new PlaitError('format', `${path} does not name a store`, { hint: 'use --store, or `plait init` elsewhere' });
  }
  return { store, volume };
}
