/** Rows of a pack for the index, and the statements that put them there. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { VolsetId } from '../core/ids.ts';
import { type BlockTable, idAt } from './block.ts';

/** A write transaction holds at most this many new rows, so that others never wait long. */
export const ROWS_PER_TRANSACTION = 10_000;

export interface PackRow {
  volset: VolsetId;
  /** 64 hex digits. */
  pack: string;
  bytes: number;
  objects: number;
  /** Raw bytes of all objects; with `bytes` the pack's ratio, for estimates. */
  raw: number;
}

export interface ObjectRow {
  kind: number;
  id: Uint8Array;
  /** Offset of the block in the pack. */
  block: number;
  /** Offset in the block's raw data. */
  raw: number;
  length: number;
}

export function* rowsOfBlock(block: BlockTable & { offset: number }): Generator<ObjectRow> {
  for (let n = 0; n < block.count; n++) {
    const raw = block.offsets[n];
    yield { kind: block.kind, id: idAt(block, n), block: block.offset, raw, length: block.offsets[n + 1] - raw };
  }
}

/** All rows of a pack in key order (inserts in key order touch each page of the index once). */
export function rowsOfPack(blocks: Iterable<BlockTable & { offset: number }>): ObjectRow[] {
  const rows: ObjectRow[] = [];
  for (const block of blocks) for (const row of rowsOfBlock(block)) rows.push(row);
  return inKeyOrder(rows);
}

/** Nearly all are told apart by one number: comparing bytes takes several times as long. */
function inKeyOrder(rows: ObjectRow[]): ObjectRow[] {
  const keys = new Float64Array(rows.length);
  const order = new Uint32Array(rows.length);
  for (let n = 0; n < rows.length; n++) {
    const { kind, id } = rows[n];
    // Kind and the first 48 bits of the id.
    const low = ((id[2] << 24) | (id[3] << 16) | (id[4] << 8) | id[5]) >>> 0;
    keys[n] = kind * 2 ** 48 + ((id[0] << 8) | id[1]) * 2 ** 32 + low;
    order[n] = n;
  }
  order.sort((a, b) => keys[a] - keys[b] || Buffer.compare(rows[a].id, rows[b].id));
  return Array.from(order, (n) => rows[n]);
}

export class RowWriter {
  readonly #volset: StatementSync;
  readonly #findVolset: StatementSync;
  readonly #pack: StatementSync;
  readonly #findPack: StatementSync;
  readonly #object: StatementSync;

  constructor(db: DatabaseSync) {
    this.#volset = db.prepare('INSERT OR IGNORE INTO volsets (id) VALUES (?)');
    this.#findVolset = db.prepare('SELECT n FROM volsets WHERE id = ?');
    this.#pack = db.prepare('INSERT OR IGNORE INTO packs (volset, id, bytes, objects, raw) VALUES (?, ?, ?, ?, ?)');
    this.#findPack = db.prepare('SELECT n FROM packs WHERE volset = ? AND id = ?');
    this.#object = db.prepare('INSERT OR IGNORE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)');
  }

  volset(id: VolsetId): number {
    this.#volset.run(id);
    return Number(this.#findVolset.get(id)?.n);
  }

  pack(row: PackRow): { volset: number; pack: number } {
    const volset = this.volset(row.volset);
    this.#pack.run(volset, row.pack, row.bytes, row.objects, row.raw);
    return { volset, pack: Number(this.#findPack.get(volset, row.pack)?.n) };
  }

  objects(place: { volset: number; pack: number }, rows: ObjectRow[]): void {
    for (const { kind, id, block, raw, length } of rows) {
      this.#object.run(place.volset, kind, id, place.pack, block, raw, length);
    }
  }
}
