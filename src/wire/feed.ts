/**
 * What a hub tells as it happens, as NDJSON that ends when somebody ends it. Of one volset: `{"feed": …}`, then changes
 * in ascending revision (`generation` with its records, `refs`) and marks; of all volsets: `{"heads": …}`, then `head`,
 * `gone` and `mark`. A hub that stops says so in a trailer, `{"error": …}` ends a feed with that error, and anything else
 * is a cut. There is no digest: generations prove themselves. feed-reader.ts is the other side.
 */
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import type { Change, Head, Mark } from '../core/peer.ts';
import type { Generation, Ref } from '../core/records.ts';
import { encodeError } from './error-body.ts';
import { PROTOCOL, REFS_PER_LINE } from './limits.ts';
import { generationHeader, randomId, ref, vector } from './record-schemas.ts';
import { count, object, type Schema } from './schema.ts';

const revision: Schema = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };

/** `head`: the store's revision when the feed was opened. */
export const feedHead: Schema = object({
  feed: object({ protocol: { const: PROTOCOL }, after: count(), head: count() }),
});
export const feedGeneration: Schema = object({
  generation: object({ ...generationHeader.properties, revision }),
});
export const feedRefs: Schema = object({
  refs: { type: 'array', items: ref, minItems: 1, maxItems: REFS_PER_LINE },
});
/** `blobs`: no member where there is none. */
export const feedMark: Schema = object({ mark: object({ revision: count(), vector, blobs: count() }, ['blobs']) });
export const feedTrailer: Schema = object({ trailer: object({ reason: { const: 'stopping' } }) });

export const headsHead: Schema = object({ heads: object({ protocol: { const: PROTOCOL } }) });
export const headsHeadLine: Schema = object({ head: object({ volset: randomId, revision: count(), blobs: count() }) });
export const headsGone: Schema = object({ gone: object({ volset: randomId }) });
export const headsMark: Schema = object({ mark: { const: true } });

export const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

export const feedHeadLine = (after: number, head: number): string =>
  line({ feed: { protocol: PROTOCOL, after, head } });

/** Lines that belong together, and the revisions that they bring. */
export interface ChangeLines {
  first: number;
  last: number;
  text: string;
}

/** One after the other, so that nobody holds more than one as text. */
export function* changeLines(changes: readonly Change[]): Generator<ChangeLines> {
  let refs: Ref[] = [];
  const gathered = (): ChangeLines => {
    const told = { first: refs[0].revision, last: refs[refs.length - 1].revision, text: line({ refs }) };
    refs = [];
    return told;
  };
  for (const change of changes) {
    if ('ref' in change) {
      refs.push({ ...change.ref, revision: change.revision });
      if (refs.length === REFS_PER_LINE) yield gathered();
      continue;
    }
    if (refs.length > 0) yield gathered();
    const { revision, generation } = change;
    yield { first: revision, last: revision, text: generationText(revision, generation) };
  }
  if (refs.length > 0) yield gathered();
}

function generationText(revision: number, { records, store, generation, count, previous, hash }: Generation): string {
  const header = line({ generation: { store, generation, count, previous, hash, revision } });
  return header + records.map(line).join('');
}

export const markLine = ({ revision, vector, blobs }: Mark): string =>
  line({ mark: { revision, vector, ...(blobs > 0 && { blobs }) } });

export const headLine = (volset: VolsetId, { revision, blobs }: Head): string =>
  line({ head: { volset, revision, blobs } });
export const goneLine = (volset: VolsetId): string => line({ gone: { volset } });
export const HEADS_HEAD = line({ heads: { protocol: PROTOCOL } });
export const HEADS_MARK = line({ mark: true });
export const STOPPING = line({ trailer: { reason: 'stopping' } });

/** The status line has long been sent: only the stream itself can still say what went wrong. */
export const errorLine = (error: unknown): string =>
  line(encodeError(error instanceof PlaitError ? error : new PlaitError('unexpected', 'the hub failed')));
