/** The replication log: the open generation, closing it, and reading closed ones. */
import { canonicalText } from '../../core/canonical.ts';
import { generationHashOf, NO_GENERATION } from '../../core/generation.ts';
import type { ChainId, GenerationHash, VolsetId } from '../../core/ids.ts';
import type { AnyRecord, Generation, GenerationHeader, LoggedRecord, Vector } from '../../core/records.ts';
import { recordHash, recordId } from '../../core/records.ts';
import type { LoggedGeneration, PackedGeneration, StateMark } from '../contract.ts';
import { type Engine, ensureStore, findVolsetNumber, volsetNumber } from './engine.ts';
import { ensureIdentity } from './identity.ts';
import { releaseWaiting, takeRevisions } from './revisions.ts';
import { markStates } from './states.ts';

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
    open = openState(engine, n);
  }
  insertRecord(engine, n, -n, nextIndex(engine, n), recordId(record), body);
  engine.db.run(
    'UPDATE volsets SET open_count = ?, open_bytes = ? WHERE n = ?',
    open.open_count + 1,
    open.open_bytes + bytes,
    n,
  );
}

/** Records may have left the open generation (hand-over.ts), so their number says nothing. */
const nextIndex = ({ db }: Engine, n: number): number =>
  (
    db.get<{ next: number }>('SELECT coalesce(max(idx), -1) + 1 AS next FROM records WHERE position = ?', -n) as {
      next: number;
    }
  ).next;

export function insertRecord({ db }: Engine, n: number, position: number, idx: number, id: string, body: string): void {
  db.run('INSERT INTO records(position, idx, volset, id, body) VALUES (?, ?, ?, ?, ?)', position, idx, n, id, body);
}

/** Inside a write transaction. Does nothing without open records, nor in a store that never closes a generation. */
export function closeOpen(engine: Engine, volset: VolsetId, n: number): void {
  const { db } = engine;
  if (openState(engine, n).open_count === 0 || engine.self.ephemeral) return;
  ensureIdentity(engine);
  const { store } = engine.self;
  const bodies = db.all<{ body: string }>('SELECT body FROM records WHERE position = ? ORDER BY idx', -n);
  const last = db.get<{ generation: number; hash: GenerationHash }>(
    'SELECT generation, hash FROM vector WHERE volset = ? AND store = ?',
    n,
    ensureStore(engine, store),
  ) ?? { generation: 0, hash: NO_GENERATION };
  const header = { store, generation: last.generation + 1, count: bodies.length, previous: last.hash };
  const hashes = bodies.map(({ body }) => recordHash(JSON.parse(body) as AnyRecord));
  // Our own chain never forks: where somebody else goes on under our id, we do so under a new epoch (apply.ts).
  const hash = generationHashOf(volset, header, hashes);
  const revision = takeRevisions(engine, n, 1);
  const position = insertHeader(engine, n, { ...header, hash }, { chain: store, revision });
  db.run('UPDATE records SET position = ? WHERE position = ?', position, -n);
  db.run('UPDATE volsets SET open_count = 0, open_bytes = 0 WHERE n = ?', n);
  releaseWaiting(engine, n);
}

/** Records that a generation is held at the end of a chain, and moves the vector to it. Returns its position. */
export function insertHeader(
  engine: Engine,
  n: number,
  header: GenerationHeader,
  { chain, revision }: { chain: ChainId; revision: number },
): number {
  const { db } = engine;
  const { generation, count, previous, hash } = header;
  const store = ensureStore(engine, chain);
  const { position } = db.get<{ position: number }>(
    `INSERT INTO generations(volset, store, generation, revision, count, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)
     RETURNING position`,
    n,
    store,
    generation,
    revision,
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
  if (openState(engine, n).open_count === 0 || engine.self.ephemeral) return readVector(engine, n);
  return db.write(() => {
    closeOpen(engine, volset, n);
    return readVector(engine, n);
  });
}

export function readVector({ db }: Engine, n: number): Vector {
  const vector: Vector = {};
  const rows = db.all<{ id: ChainId; generation: number; hash: GenerationHash }>(
    'SELECT s.id, v.generation, v.hash FROM vector v JOIN stores s ON s.n = v.store WHERE v.volset = ? ORDER BY s.id',
    n,
  );
  for (const { id, generation, hash } of rows) vector[id] = { generation, hash };
  return vector;
}

export const vector = (engine: Engine, volset: VolsetId): Vector => readVector(engine, volsetNumber(engine, volset));

export interface HeaderRow extends GenerationHeader {
  position: number;
  revision: number;
  chain: ChainId;
  volset: VolsetId;
}

export const HEADER_COLUMNS = `g.position, g.revision, s.base AS store, s.id AS chain, v.id AS volset, g.generation, g.count,
  g.previous, g.hash
  FROM generations g JOIN stores s ON s.n = g.store JOIN volsets v ON v.n = g.volset`;

export function readGeneration({ db }: Engine, row: HeaderRow): Generation {
  const { store, generation, count, previous, hash, position } = row;
  const records = db
    .all<{ body: string }>('SELECT body FROM records WHERE position = ? ORDER BY idx', position)
    .map(({ body }) => JSON.parse(body) as LoggedRecord);
  return { store, generation, count, previous, hash, records };
}

export function unpackedGenerations(engine: Engine, limit: number): { volset: VolsetId; generation: Generation }[] {
  // Of an older format: it could not be noted that they were packed.
  if (engine.db.isReadOnly) return [];
  return engine.db.read(() =>
    engine.db
      .all<HeaderRow>(`SELECT ${HEADER_COLUMNS} WHERE g.packed = 0 ORDER BY g.position LIMIT ?`, limit)
      .map((row) => ({ volset: row.volset, generation: readGeneration(engine, row) })),
  );
}

export function markPacked(engine: Engine, packed: PackedGeneration[], states: StateMark[] = []): void {
  engine.db.write(() => {
    markStates(engine, states);
    for (const { volset, store, generation, hash } of packed) {
      engine.db.run(
        `UPDATE generations SET packed = 1 WHERE volset = (SELECT n FROM volsets WHERE id = ?)
         AND store IN (SELECT n FROM stores WHERE base = ?) AND generation = ? AND hash = ?`,
        volset,
        store,
        generation,
        hash,
      );
    }
  });
}

export function generationPage(engine: Engine, volset: VolsetId, after: number, limit: number): LoggedGeneration[] {
  return engine.db
    .all<{ position: number; hash: GenerationHash; packed: number }>(
      'SELECT position, hash, packed FROM generations WHERE volset = ? AND position > ? ORDER BY position LIMIT ?',
      findVolsetNumber(engine, volset) ?? 0,
      after,
      limit,
    )
    .map(({ position, hash, packed }) => ({ position, hash, packed: packed !== 0 }));
}

export function unknownGenerations(
  engine: Engine,
  volset: VolsetId,
  generations: Omit<PackedGeneration, 'volset'>[],
): GenerationHash[] {
  const n = findVolsetNumber(engine, volset) ?? 0;
  const isKnown = ({ store, generation, hash }: Omit<PackedGeneration, 'volset'>): boolean =>
    engine.db.get(
      `SELECT 1 FROM generations g JOIN stores s ON s.n = g.store
       WHERE g.volset = ? AND s.base = ? AND g.generation = ? AND g.hash = ?`,
      n,
      store,
      generation,
      hash,
    ) !== undefined;
  return engine.db.read(() => generations.filter((one) => !isKnown(one)).map(({ hash }) => hash));
}
