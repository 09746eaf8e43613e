/**
 * Records of a store that never cuts, on their way to the hub that logs them, as NDJSON:
 * `{"writes": {protocol, self}}`, one line a record, `{"trailer": {records, digest}}`.
 */
import { MAX_GENERATION_BYTES } from '../core/generation.ts';
import type { StoreId } from '../core/ids.ts';
import type { AnyRecord } from '../core/records.ts';
import { LineReader, LineWriter } from './generations.ts';
import { MAX_HANDED_OVER, PROTOCOL } from './limits.ts';
import { hashId, storeId } from './record-schemas.ts';
import { count, decode, object, type Schema } from './schema.ts';

export const writesHead: Schema = object({ writes: object({ protocol: { const: PROTOCOL }, self: storeId }) });
export const writesTrailer: Schema = object({ trailer: object({ records: count(MAX_HANDED_OVER), digest: hashId }) });

export interface Writes {
  /** The store that speaks and whose records these are. */
  self: StoreId;
  /** Parents first. */
  records: AnyRecord[];
}

export function encodeWrites({ self, records }: Writes): Buffer {
  const out = new LineWriter();
  const lines = [out.line({ writes: { protocol: PROTOCOL, self } })];
  for (const record of records) lines.push(out.line(record));
  lines.push(out.trailer({ records: records.length }));
  return Buffer.from(lines.join(''));
}

/** Whole, since it is bounded: nothing of it is used before its trailer agrees. */
export async function decodeWrites(bytes: AsyncIterable<Uint8Array>): Promise<Writes> {
  const reader = new LineReader(bytes);
  try {
    const { writes } = decode<{ writes: { self: StoreId } }>(writesHead, await reader.first(), 'hand-over header');
    const { records, trailer } = await reader.recordsUntilTrailer();
    const told = decode<{ trailer: { records: number; digest: string } }>(writesTrailer, trailer, 'trailer').trailer;
    await reader.finish({ items: told.records, digest: told.digest });
    return { self: writes.self, records };
  } finally {
    await reader.close();
  }
}

/** Parts that fit one hand-over each, in order; of nothing, one empty part. */
export function* handOverParts(records: readonly AnyRecord[]): Generator<AnyRecord[]> {
  let part: AnyRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const length = Buffer.byteLength(JSON.stringify(record));
    if (part.length === MAX_HANDED_OVER || (part.length > 0 && bytes + length > MAX_GENERATION_BYTES)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(record);
    bytes += length;
  }
  yield part;
}
