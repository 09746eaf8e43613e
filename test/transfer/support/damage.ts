/** A receiver on disk whose packs or index are damaged behind its back, as bad disks and restored backups do it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BlobStore } from '../../../src/blob/contract.ts';
import { openMetaStore } from '../../../src/meta/index.ts';
import { TempStore } from '../../blob/temp-store.ts';
import type { TestStore } from './stores.ts';

export class DiskStore implements AsyncDisposable {
  readonly temp = new TempStore();
  readonly meta = openMetaStore({ path: ':memory:', now: () => 1_700_000_000_000 });
  #blob!: BlobStore;

  static async open(): Promise<DiskStore> {
    const disk = new DiskStore();
    disk.#blob = await disk.temp.open();
    return disk;
  }

  get store(): TestStore {
    return { blob: this.#blob, meta: this.meta };
  }

  /** Closed meanwhile, so that nothing of what was there is remembered. */
  async damage(how: (dir: string) => void): Promise<void> {
    await this.#blob[Symbol.asyncDispose]();
    how(this.temp.dir);
    this.#blob = await this.temp.open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp[Symbol.asyncDispose]();
    this.meta[Symbol.dispose]();
  }
}

/** The index does not know these objects any more; without ids: none of the kind. */
export const forget =
  (kind: 0 | 1, ids?: Uint8Array[]) =>
  (dir: string): void => {
    const db = new DatabaseSync(join(dir, 'index.db'));
    if (ids) for (const id of ids) db.prepare('DELETE FROM objects WHERE kind = ? AND id = ?').run(kind, id);
    else db.prepare('DELETE FROM objects WHERE kind = ?').run(kind);
    db.close();
  };

/** One bit in the middle of each block that holds objects of this kind, by the index. */
export const flipBlocks =
  (kind: 0 | 1) =>
  (dir: string): void => {
    const db = new DatabaseSync(join(dir, 'index.db'));
    const sql = 'SELECT DISTINCT p.id AS pack, o.block FROM objects o JOIN packs p ON p.n = o.pack WHERE o.kind = ?';
    const blocks = db.prepare(sql).all(kind) as { pack: string; block: number }[];
    db.close();
    const packs = readdirSync(dir, { recursive: true, encoding: 'utf8' });
    for (const { pack, block } of blocks) {
      const path = packs.find((name) => name.endsWith(pack) || name.includes(`${pack}.`));
      if (path === undefined) throw new Error(`no pack ${pack}`);
      const bytes = readFileSync(join(dir, path));
      // Behind header and table of a block with few objects.
      bytes[block + 200] ^= 1;
      writeFileSync(join(dir, path), bytes);
    }
  };
