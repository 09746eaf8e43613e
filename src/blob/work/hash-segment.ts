/** Worker side of ingest for big files: candidates of a segment, then hashes of the chunks that start in it. */
import { KIND, objectHash } from '../../core/hash.ts';
import { readPart, statForRead } from '../../disk/read-stable.ts';
import { candidates, isHole, isZero } from '../chunker.ts';
import { ID_BYTES } from '../format.ts';
import { WINDOW } from '../gear.ts';
import type { HashedSegment, HashSegment, ScannedSegment, ScanSegment, StatedFile, StatFile } from './ingest-types.ts';
import { SEGMENT } from './limits.ts';
import type { Answer } from './protocol.ts';
import { sessionOf } from './session.ts';
import { StatColumns } from './stat-columns.ts';

export function statFile(input: StatFile): Answer<StatedFile> {
  const found = statForRead(sessionOf(input.session, input.root).beneath, input.path);
  if (found.status !== 'stored') return { value: found };
  const columns = new StatColumns(1);
  columns.set(0, found.stat);
  return { value: { stat: columns.buffer }, transfer: [columns.buffer] };
}

export function scanSegment(input: ScanSegment): Answer<ScannedSegment> {
  const session = sessionOf(input.session, input.root);
  const before = Math.min(WINDOW, input.begin);
  const memory = session.take(SEGMENT + WINDOW);
  try {
    const bytes = memory.subarray(0, before + input.end - input.begin);
    const read = readPart(session.beneath, input.path, statOf(input.stat), bytes, input.begin - before);
    if (read.status !== 'stored') return { value: read };
    const zero = isZero(bytes, before, bytes.length);
    const found = candidates(bytes, before, bytes.length, zero);
    return { value: { candidates: found, zero }, transfer: [found.buffer as ArrayBuffer] };
  } finally {
    session.giveBack(memory);
  }
}

export function hashSegment(input: HashSegment): Answer<HashedSegment> {
  const session = sessionOf(input.session, input.root);
  const last = input.ends[input.ends.length - 1];
  const memory = session.take(last - input.begin);
  const bytes = memory.subarray(0, last - input.begin);
  const read = readPart(session.beneath, input.path, statOf(input.stat), bytes, input.begin);
  if (read.status !== 'stored') {
    session.giveBack(memory);
    return { value: read };
  }
  const holes = new Uint8Array(input.ends.length);
  const ids = Buffer.allocUnsafeSlow(input.ends.length * ID_BYTES);
  const chunks: Buffer[] = [];
  let start = 0;
  for (let n = 0; n < input.ends.length; n++) {
    const end = input.ends[n] - input.begin;
    if (isHole(bytes, start, end)) holes[n] = 1;
    else {
      const chunk = bytes.subarray(start, end);
      ids.set(objectHash(KIND.chunk, chunk), chunks.length * ID_BYTES);
      chunks.push(chunk);
    }
    start = end;
  }
  const found = ids.subarray(0, chunks.length * ID_BYTES);
  if (input.dryRun) session.giveBack(memory);
  const kept = input.dryRun ? 0 : session.keep({ ids: Uint8Array.from(found), chunks, memory });
  return { value: { holes, ids: Uint8Array.from(found), kept } };
}

const statOf = (buffer: ArrayBuffer) => new StatColumns(buffer).get(0);
