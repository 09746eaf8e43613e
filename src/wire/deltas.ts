/**
 * The answer to a deltas request, as NDJSON: `{"deltas": {protocol, refs: COUNT}}`, lines `{"refs": […]}` until COUNT
 * refs are there, generations (generations.ts), and `{"trailer": {vector, revision, generations, digest}}`. A line
 * `{"error": …}` at any place ends the stream with that error.
 */
import { PlaitError } from '../core/errors.ts';
import { checkIntervals, type Interval } from '../core/intervals.ts';
import type { DeltasAnswer } from '../core/peer.ts';
import type { Generation, Ref, Vector } from '../core/records.ts';
import { encodeError } from './error-body.ts';
import { LineReader, LineWriter } from './generations.ts';
import { MAX_REFS, PROTOCOL, REFS_PER_LINE } from './limits.ts';
import { batches } from './ndjson.ts';
import { hashId, intervals, ref, vector } from './record-schemas.ts';
import { count, decode, list, object, type Schema } from './schema.ts';

const partial: Schema = { type: 'string', enum: ['append', 'write'] };

export const deltasHead: Schema = object({ deltas: object({ protocol: { const: PROTOCOL }, refs: count(MAX_REFS) }) });
export const refsLine: Schema = object({ refs: list(ref, REFS_PER_LINE) });
export const deltasTrailer: Schema = object({
  trailer: object(
    {
      vector,
      revision: count(),
      generations: count(),
      digest: hashId,
      sealed: intervals,
      blobs: count(),
      partial,
    },
    ['sealed', 'blobs', 'partial'],
  ),
});

export interface Trailer {
  vector: Vector;
  revision: number;
  /** Of the asker's blob numbers; no member on the wire where there are none. */
  sealed: Interval[];
  /** The largest number of a blob of the answerer; no member where there is none. */
  blobs?: number;
  /** Only what the asker has shown to know itself: its token does not let it read. */
  partial?: 'append' | 'write';
}

/** What `encodeDeltas` sends: one answer, as of one instant. */
export interface DeltasSource extends Trailer {
  refs: Ref[];
  generations: AsyncIterable<Generation>;
}

export function encodeDeltas(source: DeltasSource): AsyncGenerator<Uint8Array> {
  return batches(deltasLines(source));
}

async function* deltasLines(source: DeltasSource): AsyncGenerator<string> {
  const { refs, generations, vector, revision, sealed, blobs = 0, partial } = source;
  const out = new LineWriter();
  yield out.line({ deltas: { protocol: PROTOCOL, refs: refs.length } });
  for (let i = 0; i < refs.length; i += REFS_PER_LINE) yield out.line({ refs: refs.slice(i, i + REFS_PER_LINE) });
  try {
    for await (const generation of generations) yield* out.generation(generation);
  } catch (error) {
    // The status line has long been sent: only the stream itself can still say what went wrong.
    const known =
      error instanceof PlaitError ? error : new PlaitError('unexpected', 'the hub failed while it read its records');
    yield `${JSON.stringify(encodeError(known))}\n`;
    return;
  }
  const more = { ...(sealed.length > 0 && { sealed }), ...(blobs > 0 && { blobs }), ...(partial && { partial }) };
  yield out.trailer({ vector, revision, generations: out.generations, ...more });
}

type Told = Omit<Trailer, 'sealed'> & { sealed?: Interval[]; generations: number; digest: string };

/** Reads up to the first generation; the caller then drains `generations`, or calls `close`. */
export async function decodeDeltas(
  bytes: AsyncIterable<Uint8Array>,
): Promise<DeltasAnswer & { close(): Promise<void> }> {
  const reader = new LineReader(bytes);
  const refs = await readRefs(reader);
  const trailer = Promise.withResolvers<Trailer & { generations: number }>();
  // Whoever stops early never asks for it; the rejection must not count as unhandled then.
  trailer.promise.catch(() => {});
  return {
    refs,
    generations: drain(reader, trailer),
    trailer: () => trailer.promise,
    close: () => reader.close(),
  };
}

async function readRefs(reader: LineReader): Promise<Ref[]> {
  const first = await reader.next();
  const { deltas } = decode<{ deltas: { refs: number } }>(deltasHead, first, 'deltas header');
  const refs: Ref[] = [];
  while (refs.length < deltas.refs) {
    const line = decode<{ refs: Ref[] }>(refsLine, await reader.next(), 'line of refs');
    if (line.refs.length === 0 || refs.length + line.refs.length > deltas.refs) {
      throw new PlaitError('protocol', 'the stream holds another number of refs than it says');
    }
    refs.push(...line.refs);
  }
  return refs;
}

async function* drain(
  reader: LineReader,
  trailer: PromiseWithResolvers<Trailer & { generations: number }>,
): AsyncGenerator<Generation> {
  let ended = false;
  try {
    const line = yield* reader.generationsUntilTrailer();
    const told = decode<{ trailer: Told }>(deltasTrailer, line, 'trailer').trailer;
    await reader.finish({ items: told.generations, digest: told.digest });
    ended = true;
    const { vector, revision, generations, sealed = [], blobs, partial } = told;
    const more = { ...(blobs !== undefined && { blobs }), ...(partial && { partial }) };
    trailer.resolve({ vector, revision, generations, sealed: checkIntervals(sealed), ...more });
  } catch (error) {
    trailer.reject(error);
    throw error;
  } finally {
    if (!ended) {
      trailer.reject(new PlaitError('protocol', 'the stream of deltas was not read to its end'));
      await reader.close();
    }
  }
}
