/** Bytes of the snapshots that are here, in the order in which their data came: who has read them once reads on. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { BlobSizes } from '../contract.ts';
import type { Engine } from './engine.ts';
import { liveVolset } from './live-volset.ts';
import { countForgotten } from './snapshots.ts';

interface Row {
  id: SnapshotId;
  number: number;
  /** null: its record has not come. */
  created: number | null;
  /** 0: it was forgotten. */
  blob: number | null;
  bytes: number | null;
}

const COLUMNS = `SELECT b.id, b.number, s.created, s.blob, (SELECT json_extract(r.body, '$.bytes') FROM records r
  WHERE r.volset = s.volset AND r.id = s.id LIMIT 1) AS bytes`;
const WITH_RECORD = 'LEFT JOIN snapshots s ON s.volset = b.volset AND s.id = b.id';
const BEHIND = `${COLUMNS} FROM blobs b ${WITH_RECORD} WHERE b.volset = ? AND b.number > ? ORDER BY b.number LIMIT ?`;
const AMONG = `${COLUMNS} FROM json_each(?) AS asked CROSS JOIN blobs b ON b.volset = ? AND b.id = asked.value ${WITH_RECORD}`;

export function blobSizes(
  engine: Engine,
  volset: VolsetId,
  after: number,
  waiting: SnapshotId[],
  limit: number,
): BlobSizes {
  return engine.db.read(() => {
    const n = liveVolset(engine, volset);
    const behind = engine.db.all<Row>(BEHIND, n, after, limit);
    const rows = waiting.length === 0 ? behind : [...engine.db.all<Row>(AMONG, JSON.stringify(waiting), n), ...behind];
    const answer: BlobSizes = {
      sizes: [],
      waiting: [],
      next: behind.at(-1)?.number ?? after,
      count: countHere(engine, n),
      mark: markOf(engine, n),
    };
    for (const { id, created, blob, bytes } of rows) {
      if (created === null) answer.waiting.push(id);
      else if (blob === 1) answer.sizes.push({ created, bytes: bytes ?? 0 });
    }
    return answer;
  });
}

/** Without looking at each: those that are not here are few, and have an index. */
const countHere = ({ db }: Engine, n: number): number =>
  db.get<{ count: number }>(
    `SELECT snapshots - (SELECT count(*) FROM snapshots WHERE volset = ? AND blob = 0) AS count FROM volsets WHERE n = ?`,
    n,
    n,
  )?.count ?? 0;

/** Whatever takes one away, or gives one that was here another number, changes one of these, or the count. */
function markOf(engine: Engine, n: number): string {
  const count = (table: string): number =>
    engine.db.get<{ count: number }>(`SELECT count(*) AS count FROM ${table} WHERE volset = ?`, n)?.count ?? 0;
  return [engine.self.store, count('dropped'), count('damaged'), countForgotten(engine, n)].join(' ');
}
