/**
 * Marks of `plait hold`: an application is in the middle of writing, and its files are no state of anything. An empty
 * file each, in the volume's notes, named by when it was made and when it ends, so that a mark is there whole or not at
 * all. Made while the volume's lock is held, so that no snapshot is at work when `hold` has ended.
 */
import { closeSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDirDurable, fsyncDir, openExclusive } from '../disk/durable.ts';
import { takeAway } from '../disk/files.ts';
import type { Volume } from '../volume/contract.ts';

export interface Mark {
  name: string;
  /** Milliseconds since the epoch. */
  at: number;
  until: number;
}

const FORM = /^(\d{1,15})-(\d{1,15})-[0-9a-f]{16}$/;
/** The longest time that has this form; dates go further. */
const FOR_EVER = 10 ** 15 - 1;
/** Marks that nobody took away are forgotten this long after their end. */
const FORGET_MS = 24 * 3_600_000;

const dirOf = (volume: Volume): string => join(volume.stateDir, 'holds');

/** Oldest first. */
export function listMarks(volume: Volume): Mark[] {
  const marks: Mark[] = [];
  for (const name of namesIn(dirOf(volume))) {
    const found = FORM.exec(name);
    if (found) marks.push({ name, at: Number(found[1]), until: Number(found[2]) });
  }
  return marks.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}

export const inForce = (marks: readonly Mark[], now: number): Mark[] => marks.filter(({ until }) => until > now);

/** Durable when it returns. */
export function addMark(volume: Volume, { at, until }: Pick<Mark, 'at' | 'until'>, unique: string): void {
  const dir = dirOf(volume);
  ensureDirDurable(dir);
  for (const mark of listMarks(volume)) if (mark.until + FORGET_MS < at) removeMark(volume, mark);
  closeSync(openExclusive(join(dir, `${at}-${Math.min(until, FOR_EVER)}-${unique}`)));
  fsyncDir(dir);
}

/** False where somebody else has just taken it. */
export function removeMark(volume: Volume, { name }: Mark): boolean {
  try {
    takeAway(join(dirOf(volume), name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}
