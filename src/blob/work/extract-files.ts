/** Worker side of extract: files written whole, or one range of a big file. No byte is written before its hash was checked. */
import { iterateExtents } from '../../core/extents.ts';
import type { FileTarget } from '../../core/files.ts';
import { writeAll } from '../../disk/durable.ts';
import { type Piece, Placer } from '../../disk/place.ts';
import { isZero } from '../chunker.ts';
import { BlockCache, isGone } from './block-cache.ts';
import {
  type ExtractedUnit,
  type ExtractUnit,
  type PlacedExtents,
  type RangeUnit,
  TargetColumns,
} from './extract-types.ts';
import { errnoOf } from './failure.ts';
import type { Answer } from './protocol.ts';
import { StatColumns } from './stat-columns.ts';

interface Session {
  blocks: BlockCache;
  placer?: Placer;
}

const sessions = new Map<number, Session>();

function sessionOf(number: number): Session {
  let session = sessions.get(number);
  if (session === undefined) {
    session = { blocks: new BlockCache() };
    sessions.set(number, session);
  }
  return session;
}

export function endExtract(number: number): void {
  const session = sessions.get(number);
  session?.blocks.close();
  session?.placer?.close();
  sessions.delete(number);
}

/** Chunks in order; keeps its place in `places` from file to file. */
class Pieces {
  readonly #blocks: BlockCache;
  readonly #input: PlacedExtents;
  #place = 0;

  constructor(blocks: BlockCache, input: PlacedExtents) {
    this.#blocks = blocks;
    this.#input = input;
  }

  /** `places` are counted from the file's first, so that a file that failed half-way does not shift the next. */
  *of(extents: Uint8Array, firstPlace: number): Generator<Piece, void, undefined> {
    this.#place = firstPlace;
    const { packs, places } = this.#input;
    for (const { length, id } of iterateExtents(extents)) {
      if (id === undefined) {
        yield length;
        continue;
      }
      const at = this.#place++ * 3;
      const bytes = this.#blocks.chunk(packs[places[at]], places[at + 1], places[at + 2], length, id);
      yield isZero(Buffer.from(bytes.buffer, bytes.byteOffset, length), 0, length) ? length : bytes;
    }
  }
}

export function extractFiles(input: ExtractUnit): Answer<ExtractedUnit> {
  const session = sessionOf(input.session);
  session.placer ??= new Placer(input.root, input.tempDir);
  const targets = new TargetColumns(input.targets);
  const stats = new StatColumns(input.paths.length);
  const written = new Uint8Array(input.paths.length);
  const failures: ExtractedUnit['failures'] = {};
  const pieces = new Pieces(session.blocks, input);
  let begin = 0;
  for (let n = 0; n < input.paths.length; n++) {
    const target: FileTarget = targets.get(n, input.paths[n]);
    const extents = input.extents.subarray(begin, input.extentEnds[n]);
    begin = input.extentEnds[n];
    try {
      stats.set(n, session.placer.writeFile(target, pieces.of(extents, input.firstPlaces[n])));
      written[n] = 1;
    } catch (error) {
      const errno = errnoOf(error);
      const message = error instanceof Error ? error.message : String(error);
      failures[n] = { message, ...(errno !== undefined && { errno }), ...(isGone(error) && { gone: true }) };
    }
  }
  return { value: { written, stats: stats.buffer, failures }, transfer: [stats.buffer] };
}

export function writeRange(input: RangeUnit): Answer<undefined> {
  const pieces = new Pieces(sessionOf(input.session).blocks, input);
  let position = input.position;
  for (const piece of pieces.of(input.extents, 0)) {
    if (typeof piece === 'number') position += piece;
    else {
      writeAll(input.fd, piece, position);
      position += piece.length;
    }
  }
  return { value: undefined };
}
