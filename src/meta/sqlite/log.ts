/** The replication log: the open generation, closing it, and reading closed ones. */
import { canonicalText } from '../../core/canonical.ts';
import { generationHashOf, NO_GENERATION } from '../../core/generation.ts';
import type { GenerationHash, StoreId, VolsetId } from '../../core/ids.ts';
import type { AnyRecord, Generation, GenerationHeader, Vector } from '../../core/records.ts';
import { recordHash, recordId } from '../../core/records.ts';
import { type Engine, ensureStore, volsetNumber } from './engine.ts';

/** Our own generations are closed at the latest here, so that each fits easily into a page and a block. */
const OPEN_RECORDS = 1000;
const OPEN_BYTES = 1024 * 1024;

interface Open {
  open_count: number;
  open_bytes: number;
}

const openState = ({ db }: Engine, n: number): Open =>
  db.get<Open>('SELECT open_count, open_bytes FROM volsets WHERE n = ?', n) as Open;

/** Adds a record of ours to the open generation. Inside a write transaction. */
export function appendRecord(engine: Engine, volset: VolsetId, n: number, record: AnyRecord): void {
  const body = canonicalText(record);
  const bytes = Buffer.byteLength(body);
  let open = openState(engine, n);
  if (open.open_count >= OPEN_RECORDS || (open.open_count > 0 && open.open_bytes + bytes > OPEN_BYTES)) {
    closeOpen(engine, volset, n);
    open = { open_count: 0, open_bytes: 0 };
  }
  insertRecord(engine, n, -n, open.open_count, recordId(record), body);
  const first = open.open_count === 0;
  engine.db.run(
    `UPDATE volsets SET open_count = ?, open_bytes = ?${first ? ', open_revision = revision' : ''} WHERE n = ?`,
    open.open_count + 1,
    open.open_bytes + bytes,
    n,
  );
}

export function insertRecord({ db }: Engine, n: number, position: number, idx: number, id: string, body: string): void {
  db.run('INSERT INTO records(position, idx, volset, id, body) VALUES (?, ?, ?, ?, ?)', position, idx, n, id, body);
}

/** Inside a write transaction. Does nothing without open records. */
export function closeOpen(engine: Engine, volset: VolsetId, n: number): void {
  const { db, self } = engine;
  const bodies = db.all<{ body: string }>('SELECT body FROM records WHERE position = ? ORDER BY idx', -n);
  if (bodies.length === 0) return;
  const store = ensureStore(engine, self.store);
  const last = db.get<{ generation: number; hash: GenerationHash }>(
    'SELECT generation, hash FROM vector WHERE volset = ? AND store = ?',
    n,
    store,
  ) ?? { generation: 0, hash: NO_GENERATION };
  const header = { store: self.store, generation: last.generation + 1, count: bodies.length, previous: last.hash };
  const hashes = bodies.map(({ body }) => recordHash(JSON.parse(body) as AnyRecord));
  const position = insertHeader(engine, n, { ...header, hash: generationHashOf(volset, header, hashes) });
  db.run('UPDATE records SET position = ? WHERE position = ?', position, -n);
  db.run('UPDATE volsets SET open_count = 0, open_bytes = 0 WHERE n = ?', n);
}

/** Records that a generation is held, and moves the vector to it. Returns its position. */
export function insertHeader(engine: Engine, n: number, header: GenerationHeader): number {
  const { db } = engine;
  const { generation, count, previous, hash } = header;
  const store = ensureStore(engine, header.store);
  const { position } = db.get<{ position: number }>(
    `INSERT INTO generations(volset, store, generation, count, previous, hash) VALUES (?, ?, ?, ?, ?, ?)
     RETURNING position`,
    n,
    store,
    generation,
    count,
    previous,
    hash,
  ) as { position: number };
  db.run(
    'INSERT OR REPLACE INTO vector(volset, store, generation, hash) VALUES (?, ?, ?, ?)',
    n,
    store,
    generation,
    hash,
  );
  return position;
}

export function cut(engine: Engine, volset: VolsetId): Vector {
  const { db } = engine;
  const n = volsetNumber(engine, volset);
  if (openState(engine, n).open_count === 0) return readVector(engine, n);
  return db.write(() => {
    closeOpen(engine, volset, n);
    return readVector(engine, n);
  });
}

export function readVector({ db }: Engine, n: number): Vector {
  const vector: Vector = {};
  const rows = db.all<{ id: StoreId; generation: number; hash: GenerationHash }>(
    'SELECT s.id, v.generation, v.hash FROM vector v JOIN stores s ON s.n = v.store WHERE v.volset = ? ORDER BY s.id',
    n,
  );
  for (const { id, generation, hash } of rows) vector[id] = { generation, hash };
  return vector;
}

export const vector = (engine: Engine, volset: VolsetId): Vector => readVector(engine, volsetNumber(engine, volset));

export interface HeaderRow extends Omit<GenerationHeader, 'store'> {
  position: number;
  store: StoreId;
  volset: VolsetId;
}

export const HEADER_COLUMNS = `g.position, s.id AS store, v.id AS volset, g.generation, g.count, g.previous, g.hash
  FROM generations g JOIN stores s ON s.n = g.store JOIN volsets v ON v.n = g.volset`;

export function readGeneration({ db }: Engine, row: HeaderRow): Generation {
  const { store, generation, count, previous, hash, position } = row;
  const records = db
    .all<{ body: string }>('SELECT body FROM records WHERE position = ? ORDER BY idx', position)
    .map(({ body }) => JSON.parse(body) as AnyRecord);
  return { store, generation, count, previous, hash, records };
}

/** Hash of one generation that is held, to compare chains. */
export const hashAt = ({ db }: Engine, n: number, store: StoreId, generation: number): GenerationHash | undefined =>
  db.get<{ hash: GenerationHash }>(
    `SELECT g.hash FROM generations g JOIN stores s ON s.n = g.store
     WHERE g.volset = ? AND s.id = ? AND g.generation = ?`,
    n,
    store,
    generation,
  )?.hash;

export function unpackedGenerations(engine: Engine, limit: number): { volset: VolsetId; generation: Generation }[] {
  return engine.db.read(() =>
    engine.db
      .all<HeaderRow>(`SELECT ${HEADER_COLUMNS} WHERE g.packed = 0 ORDER BY g.position LIMIT ?`, limit)
      .map((row) => ({ volset: row.volset, generation: readGeneration(engine, row) })),
  );
}

export function markPacked(engine: Engine, packed: { volset: VolsetId; store: StoreId; generation: number }[]): void {
  engine.db.write(() => {
    for (const { volset, store, generation } of packed) {
      engine.db.run(
        `UPDATE generations SET packed = 1 WHERE volset = (SELECT n FROM volsets WHERE id = ?)
         AND store = (SELECT n FROM stores WHERE id = ?) AND generation = ?`,
        volset,
        store,
        generation,
      );
    }
  });
}
