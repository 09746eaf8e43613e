/** One store of a simulation: real files, a clock of its own, and a way to die between any two calls. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BlobStore } from '../../../src/blob/contract.ts';
import { openMemoryBlobs } from '../../../src/blob/memory-engine.ts';
import type { MetaStore } from '../../../src/meta/contract.ts';
import { openMetaStore } from '../../../src/meta/index.ts';
import type { Random } from '../../support/seed.ts';

/** What a store throws where its process is killed: no code of ours may catch and survive it. */
export class Crash extends Error {}

export interface SimOptions {
  name: string;
  dir: string;
  random: Random;
  now: () => number;
  /** Milliseconds that its clock is wrong by. */
  skew: number;
  ephemeral?: boolean;
  /** Where its user's state directory is; without one a restored backup goes unnoticed. */
  stateDir?: string;
  /** Holds no data: refs may point at snapshots without it. */
  metadataOnly?: boolean;
  /** Data survives in packs what happens to meta.db. */
  blob?: BlobStore;
}

const FILES = ['meta.db', 'meta.db-wal'];

export class SimStore {
  readonly options: SimOptions;
  readonly name: string;
  readonly blob: BlobStore;
  /** Put back from a backup, or copied, at least once: others may find that it went backwards. */
  restored = false;
  /** Nothing in it says where it was made, so that a copy of it is not told apart either. */
  hidden = false;
  /** Something was called, or its files were changed, since it was looked at. */
  touched = true;
  /** May have records that no generation holds yet. */
  dirty = true;
  #meta: MetaStore;
  /** Calls until the process dies; undefined = it lives. */
  #fuse: number | undefined;
  #dead = false;
  readonly #guarded: MetaStore;

  constructor(options: SimOptions) {
    this.options = options;
    this.name = options.name;
    this.blob = options.blob ?? openMemoryBlobs();
    mkdirSync(options.dir, { recursive: true });
    this.#meta = this.#open();
    this.#guarded = this.#guard();
  }

  /** As the code under test sees it: dies when its fuse has burnt down. */
  get meta(): MetaStore {
    return this.#guarded;
  }

  /** For those who look and must not change anything. */
  get quietly(): MetaStore {
    return this.#meta;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  now = (): number => this.options.now() + this.options.skew;

  /** The process dies before its `calls`-th call from now. */
  light(calls: number): void {
    this.#fuse = calls;
  }

  /** It is started again, if it died; the fuse is out. */
  revive(): void {
    this.#fuse = undefined;
    if (!this.#dead) return;
    this.#dead = false;
    this.dirty = true;
    this.reopen();
  }

  reopen(): void {
    this.touched = true;
    this.#meta[Symbol.dispose]();
    this.#meta = this.#open();
  }

  close(): void {
    this.#meta[Symbol.dispose]();
  }

  backup(to: string): void {
    mkdirSync(to, { recursive: true });
    for (const file of FILES) {
      if (existsSync(join(this.options.dir, file))) cpSync(join(this.options.dir, file), join(to, file));
    }
  }

  /** `inPlace`: into the same file, so that only the state directory can tell. */
  restore(from: string, inPlace: boolean): void {
    this.close();
    for (const file of [...FILES, 'meta.db-shm']) {
      const [source, target] = [join(from, file), join(this.options.dir, file)];
      if (!inPlace || !existsSync(source)) rmSync(target, { force: true });
      if (existsSync(source)) writeFileSync(target, readFileSync(source));
    }
    this.restored = true;
    this.dirty = true;
    this.touched = true;
    this.#meta = this.#open();
  }

  /** A second store on a copy of these files. `hidden`: nothing in it says that it is one. */
  copy(name: string, dir: string, hidden: boolean): SimStore {
    this.backup(dir);
    if (hidden) hidePlace(join(dir, 'meta.db'));
    const { stateDir: _, ...options } = this.options;
    const copy = new SimStore({
      ...options,
      name,
      dir,
      blob: this.blob,
      ...(!hidden && this.options.stateDir && { stateDir: this.options.stateDir }),
    });
    copy.restored = true;
    copy.hidden = hidden || this.hidden;
    // What the copy tells will be taken for what this store once told.
    if (hidden) this.restored = true;
    return copy;
  }

  #open(): MetaStore {
    const { dir, random, ephemeral, stateDir, name } = this.options;
    return openMetaStore({
      path: join(dir, 'meta.db'),
      create: true,
      now: this.now,
      random: (bytes) => Buffer.from(random.hex(2 * bytes), 'hex'),
      label: name,
      ...(ephemeral && { ephemeral }),
      ...(stateDir && { stateDir }),
    });
  }

  #guard(): MetaStore {
    return new Proxy({} as MetaStore, {
      get: (_, key) => {
        const member = Reflect.get(this.#meta, key);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          this.touched = true;
          this.#burn();
          return Reflect.apply(member, this.#meta, args);
        };
      },
    });
  }

  #burn(): void {
    if (this.#fuse !== undefined && !this.#dead) this.#dead = --this.#fuse < 0;
    if (this.#dead) throw new Crash(`${this.name} was killed`);
  }
}

/** As on a file system that tells neither inodes nor birth times apart. */
function hidePlace(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("DELETE FROM self WHERE key IN ('inode', 'birth')");
  db.close();
}
