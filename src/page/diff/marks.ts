/** What changed within a line. */
import { diffArrays } from 'diff';

/** A piece of a line; `changed`: the other side has it not. */
export interface Piece {
  text: string;
  changed: boolean;
}

/** Longer lines, and lines with little in common, are told as changed altogether. */
const MAX_CHARS = 1000;
const MAX_EDITS = 80;
/** A line of which less stays is another line: marks would only be noise. */
const LEAST_ALIKE = 0.3;

/** undefined: no pieces are worth telling. */
export function marksOf(before: string, after: string): { left: Piece[]; right: Piece[] } | undefined {
  if (before.length > MAX_CHARS || after.length > MAX_CHARS) return undefined;
  const changes = diffArrays(wordsOf(before), wordsOf(after), { maxEditLength: MAX_EDITS });
  if (!changes) return undefined;
  const left: Piece[] = [];
  const right: Piece[] = [];
  let alike = 0;
  for (const { added, removed, value } of changes) {
    const text = value.join('');
    if (!added) left.push({ text, changed: removed });
    if (!removed) right.push({ text, changed: added });
    if (!added && !removed) alike += text.trim().length;
  }
  return alike >= LEAST_ALIKE * Math.max(before.trim().length, after.trim().length) ? { left, right } : undefined;
}

/** Words, runs of blanks, and anything else by itself. */
const wordsOf = (line: string): string[] => line.match(/[\p{L}\p{M}\p{N}_]+|\s+|[^\p{L}\p{M}\p{N}_\s]/gu) ?? [];
