/** Folders of uploads, one each, with the lock that tells that its receiver lives; those that nobody receives wait. */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { removeTree } from '../disk/files.ts';
import { receiveFault } from './lock.ts';
import { cleanSessions, isTaken, lastChange, type Session, sessionsIn, takeSession } from './session.ts';
import { checkOwner, readOwner, type UploadOwner, writeOwner } from './upload-owner.ts';

const UPLOAD_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** How often, and how far apart, a lock is tried that somebody may hold only to look whether its owner lives. */
const MOMENTS = 20;
const MOMENT_MS = 10;
/** All that a receiver leaves for the next one of its id. */
const KEPT = /^(owner\.json|\d{1,9}\.part|\d{1,9}-[0-9a-f]{64}\.moved)$/;

const NOTHING = /^$/;

/** Removes what only a living receiver has a use for. */
export function clearScratch(dir: string, keep = KEPT): void {
  for (const name of readdirSync(dir)) if (!keep.test(name)) removeTree(join(dir, name));
}

export function checkUploadId(id: string): void {
  if (!UPLOAD_ID.test(id)) throw new PlaitError('protocol', 'An upload id has letters that are not allowed.');
}

/** Throws for an upload that belongs to somebody else. */
export function checkBelongs(found: UploadOwner, wanted: UploadOwner): void {
  if (found.owner !== wanted.owner)
    throw new PlaitError('forbidden', 'This upload was begun by somebody else.', { hint: 'Begin a new one.' });
  if (found.volset !== wanted.volset)
    throw new PlaitError('protocol', 'This upload was begun for another volume set.', { hint: 'Begin a new one.' });
}

export const beingReceived = (): PlaitError =>
  new PlaitError('busy', 'This upload is being received by another connection.', { hint: 'Try again shortly.' });

export class Quarantine {
  readonly #dir: string;
  readonly #keepMs: number;
  readonly #now: () => number;
  /** Written once for each folder. */
  readonly #owners = new Map<string, UploadOwner>();

  constructor(dir: string, keepMs: number, now: () => number) {
    this.#dir = dir;
    this.#keepMs = keepMs;
    this.#now = now;
  }

  get dir(): string {
    return this.#dir;
  }

  /** The upload's folder with what an earlier receiver left in it; throws `busy`, `forbidden`, `protocol`. */
  async take(id: string, wanted: UploadOwner): Promise<Session> {
    checkUploadId(id);
    checkOwner(wanted.owner);
    const session = await this.#lock(id);
    let isNobodys = false;
    try {
      const found = readOwner(session.dir);
      isNobodys = found === undefined;
      if (found) checkBelongs(found, wanted);
      clearScratch(session.dir, found ? KEPT : NOTHING);
      if (!found) writeOwner(session.dir, wanted);
      this.#owners.set(id, wanted);
      return session;
    } catch (error) {
      // Nothing in it was ever acknowledged; left behind, nobody would ever take it up.
      if (isNobodys) session.remove();
      else session.release();
      throw receiveFault(error);
    }
  }

  async #lock(id: string): Promise<Session> {
    for (let tries = 0; tries < MOMENTS; tries++) {
      const session = takeSession(this.#dir, id);
      if (session) return session;
      await delay(MOMENT_MS);
    }
    throw beingReceived();
  }

  /** Those of this owner and volset that nobody receives, newest first. */
  unfinished(wanted: UploadOwner): string[] {
    const found: { id: string; changed: number }[] = [];
    for (const id of this.#ids()) {
      const { volset, owner } = this.#ownerOf(id) ?? {};
      if (owner !== wanted.owner || volset !== wanted.volset || isTaken(this.#dir, id)) continue;
      found.push({ id, changed: lastChange(join(this.#dir, id)) ?? 0 });
    }
    return found.sort((a, b) => b.changed - a.changed || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
  }

  /** Of packs; what a receiver remembers beside them is small and goes with it. */
  bytes(owner?: string): number {
    let sum = 0;
    for (const id of this.#ids()) {
      if (owner !== undefined && this.#ownerOf(id)?.owner !== owner) continue;
      for (const { name } of entriesOf(join(this.#dir, id))) {
        if (!name.endsWith('.part')) continue;
        sum += statSync(join(this.#dir, id, name), { throwIfNoEntry: false })?.size ?? 0;
      }
    }
    return sum;
  }

  clean(): number {
    return cleanSessions(this.#dir, this.#keepMs, this.#now);
  }

  /** Dead or alive. Owners of those that are gone are forgotten: a hub lives long. */
  #ids(): Set<string> {
    const ids = sessionsIn(this.#dir);
    if (this.#owners.size > ids.size) for (const id of this.#owners.keys()) if (!ids.has(id)) this.#owners.delete(id);
    return ids;
  }

  #ownerOf(id: string): UploadOwner | undefined {
    const dir = join(this.#dir, id);
    const found = this.#owners.get(id);
    if (found && statSync(dir, { throwIfNoEntry: false })) return found;
    this.#owners.delete(id);
    const read = readOwner(dir);
    if (read) this.#owners.set(id, read);
    return read;
  }
}

function entriesOf(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
