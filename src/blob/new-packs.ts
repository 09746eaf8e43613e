/**
 * Packs that take over objects which lie in others: gc writes them anew, repair saves what can be read. Whatever was
 * copied into a pack has its rows moved when the pack is in place; the old packs are the caller's.
 */
import { dirname, join } from 'node:path';
import type { Kind } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { fsyncDir } from '../disk/durable.ts';
import { renameFile } from '../disk/files.ts';
import { BlockGroups } from './block-groups.ts';
import type { PackName, Step } from './gc-step.ts';
import { type ObjectRow, ROWS_PER_TRANSACTION, rowsOfPack } from './index-rows.ts';
import { readDirectory, withFile } from './pack.ts';
import { ensurePackDir, packPath } from './pack-scan.ts';
import { PackWriter, type SealedPack } from './pack-writer.ts';
import { markMoved, unmarkMoved } from './session-files.ts';

export interface NewPacksOptions {
  volset: VolsetId;
  packsDir: string;
  sessionDir: string;
  /** Rows move away from these only. */
  from: readonly PackName[];
  run: <T>(body: (step: Step) => T) => Promise<T>;
  /** Everything that was copied before is in its new place. */
  onPlaced: () => Promise<void>;
}

export class NewPacks {
  written = 0;
  /** By name. One that holds the same blocks in the same order has the name of the old one, and is in its place. */
  readonly placed = new Set<string>();
  readonly #options: NewPacksOptions;
  readonly #groups = new BlockGroups();
  #file = 0;
  #writer: PackWriter | undefined;

  constructor(options: NewPacksOptions) {
    this.#options = options;
  }

  /** A sound block as it is. */
  async addBlock(block: Uint8Array): Promise<void> {
    this.#append(block);
    if (this.#writer?.full) await this.flush();
  }

  /** Copies `bytes`, whose hash was checked. */
  async add(kind: Kind, id: Uint8Array, bytes: Uint8Array): Promise<void> {
    for (const block of this.#groups.add(kind, id, bytes)) await this.addBlock(block);
  }

  #append(block: Uint8Array): void {
    this.#writer ??= new PackWriter(join(this.#options.sessionDir, `${this.#file}.part`), this.#options.volset);
    this.#writer.append(block);
  }

  /** Seals and places what was copied so far. */
  async flush(): Promise<void> {
    for (const block of this.#groups.rest()) this.#append(block);
    const writer = this.#writer;
    if (writer) {
      const sealed = await writer.seal();
      this.#writer = undefined;
      await this.#place(this.#file++, sealed);
    }
    await this.#options.onPlaced();
  }

  /** Marked for as long as its rows are not all there: gc elsewhere, or after a crash, sees what it is. */
  async #place(file: number, sealed: SealedPack): Promise<void> {
    const { volset, sessionDir, run } = this.#options;
    const rows = withFile(sealed.path, (fd) => rowsOfPack(readDirectory(fd, volset, sealed.pack).blocks));
    const raw = rows.reduce((sum, row) => sum + row.length, 0);
    const { pack, bytes, objects } = sealed;
    markMoved(sessionDir, file, pack);
    for (let at = 0; at < rows.length; at += ROWS_PER_TRANSACTION) {
      await run((step) => {
        if (at === 0) this.#move(sealed);
        const place = step.tx.rows.pack({ volset, pack, bytes, objects, raw });
        this.#moveRows(step, place.pack, rows.slice(at, at + ROWS_PER_TRANSACTION));
      });
    }
    unmarkMoved(sessionDir, file, pack);
    this.placed.add(pack);
    this.written++;
  }

  #move({ path, pack }: SealedPack): void {
    const target = packPath(this.#options.packsDir, this.#options.volset, pack);
    ensurePackDir(target);
    renameFile(path, target);
    fsyncDir(dirname(target));
  }

  /** Whatever is needed of the old packs is found in the new one from now on. */
  #moveRows(step: Step, pack: number, rows: ObjectRow[]): void {
    const numbers = this.#options.from.map((name) => step.packNumber(name));
    const old = new Set(numbers.filter((number) => number !== undefined && number !== pack)) as Set<number>;
    const update = step.tx.db.prepare(
      'UPDATE objects SET pack = ?, block = ?, raw = ? WHERE volset = ? AND kind = ? AND id = ?',
    );
    for (const { kind, id, block, raw } of rows) {
      for (const holder of step.holdersIn(old, kind as Kind, id)) {
        update.run(pack, block, raw, holder, kind, id);
        step.changed = true;
      }
    }
  }

  /** What was not placed goes with the session's folder. */
  discard(): void {
    this.#writer?.discard();
    this.#writer = undefined;
  }
}
