/**
 * Ephemeral stores never close a generation. Their open records are handed over, the other store logs them in a
 * generation of its own, and when that generation comes here the open copies go.
 */
import { PlaitError } from '../../core/errors.ts';
import { isStoreId, type StoreId, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import { type AnyRecord, checkRecord, recordId } from '../../core/records.ts';
import type { Applied } from '../contract.ts';
import { type Engine, ensureVolset, findVolsetNumber } from './engine.ts';
import { findRecord } from './heads.ts';
import { Intake } from './intake.ts';
import { appendRecord, closeOpen, insertRecord, readVector } from './log.ts';
import { releaseWaiting } from './revisions.ts';

/** In order, parents first. Empty for a store that closes generations. */
export function openRecords(engine: Engine, volset: VolsetId): AnyRecord[] {
  return engine.db.read(() => {
    const n = findVolsetNumber(engine, volset);
    if (n === undefined || !engine.self.ephemeral) return [];
    return openBodies(engine, n).map(({ body }) => JSON.parse(body) as AnyRecord);
  });
}

const openBodies = ({ db }: Engine, n: number): { id: string; body: string }[] =>
  db.all<{ id: string; body: string }>('SELECT id, body FROM records WHERE position = ? ORDER BY idx', -n);

/**
 * Logs those of `records` that are not known here in a generation of our own, closed in the same transaction. Creates
 * the volset if unknown. Throws `protocol` as `apply` does.
 */
export function handOver(engine: Engine, volset: VolsetId, peer: StoreId, records: AnyRecord[]): Applied {
  return engine.db.write(() => {
    const n = ensureVolset(engine, volset);
    checkPeer(engine, n, peer);
    const [before, intake] = [lastPosition(engine), new Intake(engine, volset, n)];
    for (const value of records) {
      const record = checkRecord(value, volset);
      const id = recordId(record);
      if (findRecord(engine, n, id) !== undefined) continue;
      appendRecord(engine, volset, n, record);
      intake.take(id, record);
    }
    const decided = intake.finish({
      policy: undefined,
      peerHolds: () => false,
      tips: new Map(),
      author: engine.self.store,
    });
    closeOpen(engine, volset, n);
    return { ...decided, generations: closedSince(engine, before), vector: readVector(engine, n) };
  });
}

/** Who has generations hands those over: else the same records would stand in two chains. */
function checkPeer(engine: Engine, n: number, peer: StoreId): void {
  if (!isStoreId(peer) || peer === engine.self.store) malformed('records are handed over by no store, or by ourselves');
  if (engine.self.ephemeral) {
    throw new PlaitError('usage', 'This store is ephemeral: it takes nothing over.', {
      hint: 'Push to another store.',
    });
  }
  const has = 'SELECT 1 FROM vector v JOIN stores s ON s.n = v.store WHERE v.volset = ? AND s.base = ? LIMIT 1';
  if (engine.db.get(has, n, peer)) malformed('a store that has generations hands records over');
}

const lastPosition = ({ db }: Engine): number =>
  db.get<{ last: number | null }>('SELECT max(position) AS last FROM generations')?.last ?? 0;

const closedSince = ({ db }: Engine, position: number): number =>
  db.get<{ count: number }>('SELECT count(*) AS count FROM generations WHERE position > ?', position)?.count ?? 0;

/**
 * Once after the generations of a round were inserted: open records that are in the log by now are dropped from the open
 * generation, of any kind of store. Inside a write transaction.
 */
export function dropLogged(engine: Engine, n: number): void {
  const { db } = engine;
  const open = openBodies(engine, n);
  const left = open.filter(
    ({ id }) => !db.get('SELECT 1 FROM records WHERE volset = ? AND id = ? AND position > 0 LIMIT 1', n, id),
  );
  if (left.length === open.length) return;
  db.run('DELETE FROM records WHERE position = ?', -n);
  for (const [idx, { id, body }] of left.entries()) insertRecord(engine, n, -n, idx, id, body);
  const bytes = left.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
  db.run('UPDATE volsets SET open_count = ?, open_bytes = ? WHERE n = ?', left.length, bytes, n);
  if (left.length === 0) releaseWaiting(engine, n);
}
