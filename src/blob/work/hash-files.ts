/** Worker side of ingest for small files: read, chunk, hash. */
import { KIND, objectHash } from '../../core/hash.ts';
import { readStable, type StableRead } from '../../disk/read-stable.ts';
import { CHUNK, cuts, isHole } from '../chunker.ts';
import { ID_BYTES } from '../format.ts';
import { ExtentsWriter } from './extents-writer.ts';
import { FILE_STATUS, type HashedFiles, type HashFiles } from './ingest-types.ts';
import { BIG_FILE } from './limits.ts';
import type { Answer } from './protocol.ts';
import { sessionOf } from './session.ts';
import { StatColumns } from './stat-columns.ts';

/** Ids and bytes of the chunks that are not holes. */
class Chunks {
  readonly bytes: Buffer[] = [];
  readonly #ids: Buffer[] = [];

  add(bytes: Buffer): Buffer {
    const id = objectHash(KIND.chunk, bytes);
    this.bytes.push(bytes);
    this.#ids.push(id);
    return id;
  }

  ids(): Buffer<ArrayBuffer> {
    const out = Buffer.allocUnsafeSlow(this.#ids.length * ID_BYTES);
    for (let n = 0; n < this.#ids.length; n++) out.set(this.#ids[n], n * ID_BYTES);
    return out;
  }
}

export function hashFiles(input: HashFiles): Answer<HashedFiles> {
  const session = sessionOf(input.session, input.root);
  const stats = new StatColumns(input.stats);
  const count = input.paths.length;
  let total = 0;
  for (let n = 0; n < count; n++) total += stats.get(n).size;
  const memory = session.take(total);
  let used = 0;
  const allocate = (size: number): Buffer | undefined => {
    if (size > BIG_FILE) return undefined;
    // A file that grew since the scan gets memory of its own.
    return used + size <= memory.length ? memory.subarray(used, used + size) : Buffer.allocUnsafeSlow(size);
  };
  const chunks = new Chunks();
  const extents = new ExtentsWriter();
  const status = new Uint8Array(count);
  const errnos: Record<number, string> = {};
  const extentEnds = new Uint32Array(count);
  const extentCounts = new Uint32Array(count);
  for (let n = 0; n < count; n++) {
    const read: StableRead = readStable(session.beneath, input.paths[n], stats.get(n), { allocate });
    status[n] = FILE_STATUS.indexOf(read.status);
    if (read.status === 'stored') {
      if (read.bytes.buffer === memory.buffer) used += read.bytes.length;
      stats.set(n, read.stat);
      chunkFile(read.bytes, chunks, extents);
    } else if (read.status === 'grown') stats.set(n, read.stat);
    else if (read.errno !== undefined) errnos[n] = read.errno;
    extentCounts[n] = extents.end();
    extentEnds[n] = extents.length;
  }
  const ids = chunks.ids();
  if (input.dryRun) session.giveBack(memory);
  const kept = input.dryRun ? 0 : session.keep({ ids: Uint8Array.from(ids), chunks: chunks.bytes, memory });
  const bytes = extents.take();
  return {
    value: { status, errnos, stats: input.stats, extents: bytes, extentEnds, extentCounts, ids, kept },
    transfer: [input.stats, bytes.buffer, ids.buffer],
  };
}

function chunkFile(bytes: Buffer, chunks: Chunks, extents: ExtentsWriter): void {
  if (bytes.length > 0 && bytes.length <= CHUNK.min) {
    extents.chunk(bytes.length, chunks.add(bytes));
    return;
  }
  let start = 0;
  for (const end of cuts(bytes)) {
    if (isHole(bytes, start, end)) extents.hole(end - start);
    else extents.chunk(end - start, chunks.add(bytes.subarray(start, end)));
    start = end;
  }
}
