/**
 * Pack files of one session, in its own folder: appended to, sealed when full, made durable, gone on with after a crash.
 * Packs that were published are elsewhere; their numbers stay.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { VolsetId } from '../core/ids.ts';
import { removeFile, syncPath } from '../disk/files.ts';
import { ensureFile } from './lock.ts';
import { PackWriter, type SealedPack } from './pack-writer.ts';

export interface Appended {
  /** Number of the session's pack, from 0. */
  file: number;
  /** Where the block begins in it. */
  offset: number;
}

export interface Sealing {
  readonly file: number;
  readonly writer: PackWriter;
  sealed: Promise<SealedPack>;
}

export class SessionFiles {
  readonly #dir: string;
  readonly #volset: VolsetId;
  #open: { file: number; writer: PackWriter } | undefined;
  #sealing: Sealing[] = [];
  #next = 0;
  /** Bytes of those that lie in the folder. */
  readonly #sizes = new Map<number, number>();
  /** Where packs went that were placed. */
  readonly #places = new Map<number, string>();
  readonly #sync: Coalesced;
  /** What the first sync has to make durable besides: the folder's own name, files that stand beside the packs. */
  #unsyncedPaths: string[];
  #newNames = false;
  #changes = 0;
  #durable = 0;

  constructor(dir: string, volset: VolsetId, beside: string[] = []) {
    this.#dir = dir;
    this.#volset = volset;
    this.#unsyncedPaths = beside;
    this.#sync = new Coalesced(() => this.#makeDurable());
  }

  /** Bytes that lie in the folder. */
  get bytes(): number {
    let sum = 0;
    for (const size of this.#sizes.values()) sum += size;
    return sum;
  }

  append(block: Uint8Array): Appended {
    if (!this.#open) {
      // Counted first: one that could not be begun leaves its name taken.
      const file = this.#next++;
      this.#open = { file, writer: new PackWriter(this.#partPath(file), this.#volset) };
      this.#newNames = true;
    }
    const { file, writer } = this.#open;
    const offset = writer.append(block);
    this.#changed(file, writer);
    if (writer.full) this.seal();
    return { file, offset };
  }

  /** Goes on with an unfinished pack of an earlier session; the last of them stays open for more. */
  async adopt(file: number, writer: PackWriter, last: boolean): Promise<void> {
    this.skip(file);
    this.#newNames = true;
    this.#changed(file, writer);
    if (last && !writer.full) {
      this.#open = { file, writer };
      return;
    }
    // Where the disk is full it stays unsealed until something is published.
    await Promise.allSettled([this.#startSealing(file, writer)]);
  }

  /** New packs get other numbers than this one. */
  skip(file: number): void {
    this.#next = Math.max(this.#next, file + 1);
  }

  #changed(file: number, writer: PackWriter): void {
    this.#changes++;
    this.#sizes.set(file, writer.end);
  }

  /** Sealing syncs on another thread while the next pack is being written. */
  seal(): void {
    if (!this.#open) return;
    const { file, writer } = this.#open;
    this.#open = undefined;
    this.#startSealing(file, writer).catch(() => {}); // shown by who awaits it: sync, publish
  }

  #startSealing(file: number, writer: PackWriter): Promise<SealedPack> {
    const sealed = writer.seal();
    this.#sealing.push({ file, writer, sealed });
    return sealed;
  }

  /** Sealed or about to be, and not handed over yet. */
  get sealing(): Sealing[] {
    return [...this.#sealing];
  }

  /** What could not be sealed for want of space is tried again. */
  async sealed(entry: Sealing): Promise<SealedPack> {
    try {
      return await entry.sealed;
    } catch (error) {
      if (!entry.writer.open) throw error;
      entry.sealed = entry.writer.seal();
      return await entry.sealed;
    }
  }

  handedOver(entry: Sealing): void {
    this.#sealing = this.#sealing.filter((other) => other !== entry);
  }

  moved(file: number, target: string): void {
    this.#places.set(file, target);
    this.#sizes.delete(file);
  }

  isMoved(file: number): boolean {
    return this.#places.has(file);
  }

  path(file: number): string {
    return this.#places.get(file) ?? this.#partPath(file);
  }

  #partPath(file: number): string {
    return join(this.#dir, `${file}.part`);
  }

  /** Resolves when all that was appended before is durable. Concurrent calls share their work. */
  async sync(): Promise<void> {
    if (this.#changes > this.#durable) await this.#sync.run();
  }

  async #makeDurable(): Promise<void> {
    const changes = this.#changes;
    if (changes === this.#durable) return;
    const paths = this.#unsyncedPaths;
    const names = this.#newNames;
    this.#newNames = false;
    try {
      // All begun at once: what is appended from here on may move to other packs.
      const flushes = this.#sealing.map(blocksDurable);
      if (this.#open) flushes.push(this.#open.writer.flush());
      await allDone(flushes);
      await allDone([...paths, ...(names ? [this.#dir] : [])].map(syncPath));
    } catch (error) {
      this.#newNames ||= names;
      throw error;
    }
    this.#unsyncedPaths = [];
    this.#durable = changes;
  }

  async close(): Promise<void> {
    await this.#sync.settled();
    this.#open?.writer.discard();
    this.#open = undefined;
    await Promise.allSettled(this.#sealing.map(({ sealed }) => sealed));
    for (const { writer } of this.#sealing) writer.discard();
  }
}

/** Runs one at a time; whoever asks while it runs waits for the one after it, all for the same. */
class Coalesced {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  run(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running
      .catch(() => {}) // its own callers hear of it
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  async settled(): Promise<void> {
    while (this.#running) await Promise.allSettled([this.#running, this.#next]);
  }

  #start(): Promise<void> {
    const run = this.#work();
    this.#running = run;
    const done = (): void => {
      if (this.#running === run && !this.#next) this.#running = undefined;
    };
    run.then(done, done);
    return run;
  }
}

/** Fails as the first that failed, once none is under way any more. */
async function allDone(promises: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason;
}

async function blocksDurable({ writer, sealed }: Sealing): Promise<void> {
  try {
    await sealed;
  } catch (error) {
    if (!writer.open) throw error;
    // No room for its directory: the blocks are what counts.
    await writer.flush();
  }
}

/**
 * A pack is moved before its objects are recorded and before any snapshot names them, and may hold some that nothing
 * needs yet: an empty file of this name keeps gc away from it and leads whoever takes the session up to it. It goes
 * after the commit, or with the session's folder.
 */
const markerPath = (dir: string, file: number, pack: string): string => join(dir, `${file}-${pack}.moved`);

export const markMoved = (dir: string, file: number, pack: string): void => ensureFile(markerPath(dir, file, pack));
export const unmarkMoved = (dir: string, file: number, pack: string): void => removeFile(markerPath(dir, file, pack));

export interface LeftPart {
  file: number;
  path: string;
}

/** Files of unfinished packs that an earlier session left in its folder, in the order of their numbers. */
export function partsIn(dir: string): LeftPart[] {
  return readdirSync(dir)
    .filter((name) => /^\d{1,9}\.part$/.test(name))
    .map((name) => ({ file: Number.parseInt(name, 10), path: join(dir, name) }))
    .sort((a, b) => a.file - b.file);
}

/** Packs that an earlier session moved, and that may hold more for it. */
export function movedIn(dir: string): { file: number; pack: string }[] {
  const found: { file: number; pack: string }[] = [];
  for (const name of readdirSync(dir)) {
    const match = /^(\d{1,9})-([0-9a-f]{64})\.moved$/.exec(name);
    if (match) found.push({ file: Number(match[1]), pack: match[2] });
  }
  return found;
}
