/**
 * Whose an upload is: a small file in its quarantine folder. It is there before the first block; the first sync makes
 * it durable together with the blocks. Without a sound one, nothing in the folder was ever acknowledged.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { removeFile, renameFile, writeNew } from '../disk/files.ts';

export interface UploadOwner {
  volset: VolsetId;
  /** Whoever sends: the id of a bearer token, '' for a store's own downloads. */
  owner: string;
}

const MAX_OWNER = 1024;
const MAX_FILE = 8192;

export const ownerPath = (dir: string): string => join(dir, 'owner.json');

export function checkOwner(owner: string): void {
  if (owner.length <= MAX_OWNER && owner.isWellFormed()) return;
  throw new PlaitError('protocol', 'The owner of an upload has a name that is too long, or no text.');
}

/** Undefined where there is none, or none that can be read. */
export function readOwner(dir: string): UploadOwner | undefined {
  const path = ownerPath(dir);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined || size > MAX_FILE) return undefined;
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    // Removed meanwhile, or cut off by a crash.
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT') return undefined;
    throw error;
  }
  const { volset, owner } = found ?? {};
  if (typeof volset !== 'string' || typeof owner !== 'string') return undefined;
  return { volset: volset as VolsetId, owner };
}

/** Under its name whole or not at all; the caller syncs it (`ownerPath`) and the folder. */
export function writeOwner(dir: string, { volset, owner }: UploadOwner): void {
  const temp = join(dir, 'owner.tmp');
  removeFile(temp);
  writeNew(temp, Buffer.from(JSON.stringify({ format: 1, volset, owner })));
  renameFile(temp, ownerPath(dir));
}
