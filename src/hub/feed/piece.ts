/** A stretch of a feed as bytes that all its followers get: encoded once, cut only where one may begin to read. */
import type { Change, Mark } from '../../core/peer.ts';
import { changeLines, markLine } from '../../wire/feed.ts';

/** Bytes at which a piece ends. Who stands still holds one of them. */
const PIECE = 64 * 1024;

interface Item {
  /** Revisions of its changes. */
  first: number;
  last: number;
  /** Where it begins in the piece. */
  start: number;
}

export interface Piece {
  bytes: Buffer;
  items: Item[];
  /** Revision of the last change. */
  last: number;
  /** Bytes of its last line where that is a mark, else 0. */
  mark: number;
}

/** At most as much as there is: several pieces, or none without changes. `mark` ends the last one. */
export function piecesOf(changes: readonly Change[], mark: Mark | undefined): Piece[] {
  const pieces: Piece[] = [];
  let parts: Buffer[] = [];
  let items: Item[] = [];
  let length = 0;
  const close = (mark: number): void => {
    const last = items[items.length - 1].last;
    pieces.push({ bytes: Buffer.concat(parts, length), items, last, mark });
    parts = [];
    items = [];
    length = 0;
  };
  for (const { first, last, text } of changeLines(changes)) {
    if (length >= PIECE) close(0);
    items.push({ first, last, start: length });
    const bytes = Buffer.from(text);
    parts.push(bytes);
    length += bytes.length;
  }
  if (items.length === 0) return pieces;
  const end = Buffer.from(mark ? markLine(mark) : '');
  parts.push(end);
  length += end.length;
  close(end.length);
  return pieces;
}

export interface Stretch {
  bytes: Buffer;
  piece: Piece;
}

/**
 * What `pieces`, which follow each other, hold behind revision `after`, as far as one of them goes. Undefined where they
 * hold nothing behind it, or it lies inside a line.
 */
export function stretchAfter(pieces: readonly Piece[], after: number): (Stretch & { index: number }) | undefined {
  const index = firstAbove(pieces, after);
  if (index === pieces.length) return undefined;
  const piece = pieces[index];
  const { first, start } = piece.items[firstAbove(piece.items, after)];
  return first > after ? { bytes: piece.bytes.subarray(start), piece, index } : undefined;
}

/** Index of the first whose last revision is larger; the length where there is none. */
function firstAbove(sorted: readonly { last: number }[], revision: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle].last > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}
