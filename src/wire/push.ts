/**
 * Generations on their way to a hub, as NDJSON: `{"push": {protocol, self, label, vector}}`, generations
 * (generations.ts), and `{"trailer": {generations, digest}}`.
 */
import type { StoreId } from '../core/ids.ts';
import type { Sender } from '../core/peer.ts';
import type { Generation } from '../core/records.ts';
import { LineReader, LineWriter } from './generations.ts';
import { PROTOCOL } from './limits.ts';
import { batches } from './ndjson.ts';
import { hashId, label, storeId, vector } from './record-schemas.ts';
import { count, decode, object, type Schema } from './schema.ts';

export const pushHead: Schema = object({
  push: object({ protocol: { const: PROTOCOL }, self: storeId, label, vector }),
});
export const pushTrailer: Schema = object({ trailer: object({ generations: count(), digest: hashId }) });

export type Generations = Iterable<Generation> | AsyncIterable<Generation>;

/** The store that speaks; the generations may be of others. */
export interface Speaker extends Sender {
  self: StoreId;
}

export function encodePush(speaker: Speaker, generations: Generations): AsyncGenerator<Uint8Array> {
  return batches(pushLines(speaker, generations));
}

async function* pushLines({ self, label, vector }: Speaker, generations: Generations): AsyncGenerator<string> {
  const out = new LineWriter();
  yield out.line({ push: { protocol: PROTOCOL, self, label, vector } });
  for await (const generation of generations) yield* out.generation(generation);
  yield out.trailer({ generations: out.generations });
}

export interface Push extends Speaker {
  /** Ends normally only when the trailer agrees; throws `network` when the stream was cut, `protocol` when it lies. */
  generations: AsyncGenerator<Generation>;
}

export async function decodePush(bytes: AsyncIterable<Uint8Array>): Promise<Push> {
  const reader = new LineReader(bytes);
  const { push } = decode<{ push: Speaker }>(pushHead, await reader.first(), 'push header');
  const { self, label, vector } = push;
  return { self, label, vector, generations: drain(reader) };
}

async function* drain(reader: LineReader): AsyncGenerator<Generation> {
  try {
    const line = yield* reader.generationsUntilTrailer();
    const told = decode<{ trailer: { generations: number; digest: string } }>(pushTrailer, line, 'trailer').trailer;
    await reader.finish({ items: told.generations, digest: told.digest });
  } finally {
    await reader.close();
  }
}
