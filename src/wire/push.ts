/**
 * Generations on their way to a hub, as NDJSON: `{"push": {protocol, self}}`, generations (generations.ts), and
 * `{"trailer": {generations, digest}}`.
 */
import type { StoreId } from '../core/ids.ts';
import type { Generation } from '../core/records.ts';
import { LineReader, LineWriter } from './generations.ts';
import { PROTOCOL } from './limits.ts';
import { batches } from './ndjson.ts';
import { hashId, storeId } from './record-schemas.ts';
import { count, decode, object, type Schema } from './schema.ts';

const head: Schema = object({ push: object({ protocol: { const: PROTOCOL }, self: storeId }) });
const trailerLine: Schema = object({ trailer: object({ generations: count(), digest: hashId }) });

export type Generations = Iterable<Generation> | AsyncIterable<Generation>;

export function encodePush(self: StoreId, generations: Generations): AsyncGenerator<Uint8Array> {
  return batches(pushLines(self, generations));
}

async function* pushLines(self: StoreId, generations: Generations): AsyncGenerator<string> {
  const out = new LineWriter();
  yield out.line({ push: { protocol: PROTOCOL, self } });
  for await (const generation of generations) yield* out.generation(generation);
  yield out.trailer({});
}

export interface Push {
  /** The store that speaks; the generations may be of others. */
  self: StoreId;
  /** Ends normally only when the trailer agrees; throws `network` when the stream was cut, `protocol` when it lies. */
  generations: AsyncGenerator<Generation>;
}

export async function decodePush(bytes: AsyncIterable<Uint8Array>): Promise<Push> {
  const reader = new LineReader(bytes);
  const { push } = decode<{ push: { self: StoreId } }>(head, await reader.next(), 'push header');
  return { self: push.self, generations: drain(reader) };
}

async function* drain(reader: LineReader): AsyncGenerator<Generation> {
  try {
    const line = yield* reader.generationsUntilTrailer();
    const told = decode<{ trailer: { generations: number; digest: string } }>(trailerLine, line, 'trailer').trailer;
    await reader.finish(told);
  } finally {
    await reader.close();
  }
}
