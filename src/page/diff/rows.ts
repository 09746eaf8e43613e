/** Two texts side by side: lines that differ beside each other, and long stretches without a difference folded away. */
import { diffArrays } from 'diff';

export interface Line {
  /** From 1. */
  number: number;
  /** Without its end. */
  text: string;
  /** The last line of a text that does not end with a newline. */
  open?: true;
}

/** `changed`: both sides, of which one took the other's place. */
export type Row =
  | { kind: 'same' | 'changed'; left: Line; right: Line }
  | { kind: 'removed'; left: Line; right?: undefined }
  | { kind: 'added'; left?: undefined; right: Line };

/** `fold`: rows that are alike, not shown until somebody wants them. */
export type Block = { rows: Row[] } | { fold: Row[] };

export interface Bounds {
  /** Lines that may differ; the work grows with the square of it. */
  maxEdits: number;
  maxMs: number;
}

const BOUNDS: Bounds = { maxEdits: 3000, maxMs: 500 };
/** Alike lines that are shown around a difference. */
const CONTEXT = 3;
/** Shorter stretches are shown: a fold would take as much room. */
const SHORTEST_FOLD = 4;

/** undefined: too different to be told within the bounds. */
export function rowsOf(before: string, after: string, bounds: Bounds = BOUNDS): Row[] | undefined {
  const [left, right] = [linesOf(before), linesOf(after)];
  const start = alikeAtStart(left, right);
  const end = alikeAtEnd(left, right, start);
  const middle = middleRows(left.slice(start, left.length - end), right.slice(start, right.length - end), bounds);
  if (!middle) return undefined;
  const rows = new Numbered();
  for (let i = 0; i < start; i++) rows.same(left[i]);
  for (const { removed, added, same } of middle) {
    rows.differ(removed, added);
    for (const line of same) rows.same(line);
  }
  for (let i = left.length - end; i < left.length; i++) rows.same(left[i]);
  return rows.all;
}

/** Lines that stand only on one side or the other, and what follows on both. */
interface Hunk {
  removed: string[];
  added: string[];
  same: string[];
}

function middleRows(left: string[], right: string[], { maxEdits, maxMs }: Bounds): Hunk[] | undefined {
  // One side alone needs no search, however long it is.
  if (left.length === 0 || right.length === 0) return [{ removed: left, added: right, same: [] }];
  const changes = diffArrays(left, right, { maxEditLength: maxEdits, timeout: maxMs });
  if (!changes) return undefined;
  const hunks: Hunk[] = [];
  let hunk: Hunk | undefined;
  for (const { added, removed, value } of changes) {
    if (!hunk || (hunk.same.length > 0 && (added || removed))) {
      hunk = { removed: [], added: [], same: [] };
      hunks.push(hunk);
    }
    hunk[added ? 'added' : removed ? 'removed' : 'same'] = value;
  }
  return hunks;
}

class Numbered {
  readonly all: Row[] = [];
  #left = 0;
  #right = 0;

  same(raw: string): void {
    this.all.push({ kind: 'same', left: this.#leftLine(raw), right: this.#rightLine(raw) });
  }

  differ(removed: string[], added: string[]): void {
    const both = Math.min(removed.length, added.length);
    for (let i = 0; i < both; i++)
      this.all.push({ kind: 'changed', left: this.#leftLine(removed[i]), right: this.#rightLine(added[i]) });
    for (const raw of removed.slice(both)) this.all.push({ kind: 'removed', left: this.#leftLine(raw) });
    for (const raw of added.slice(both)) this.all.push({ kind: 'added', right: this.#rightLine(raw) });
  }

  #leftLine = (raw: string): Line => lineOf(raw, ++this.#left);
  #rightLine = (raw: string): Line => lineOf(raw, ++this.#right);
}

const lineOf = (raw: string, number: number): Line =>
  raw.endsWith('\n') ? { number, text: raw.slice(0, -1) } : { number, text: raw, open: true };

/** With their ends, since a missing last one is a difference. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

function alikeAtStart(left: string[], right: string[]): number {
  const most = Math.min(left.length, right.length);
  let alike = 0;
  while (alike < most && left[alike] === right[alike]) alike++;
  return alike;
}

function alikeAtEnd(left: string[], right: string[], start: number): number {
  const most = Math.min(left.length, right.length) - start;
  let alike = 0;
  while (alike < most && left[left.length - 1 - alike] === right[right.length - 1 - alike]) alike++;
  return alike;
}

/** Nothing is lost: the blocks' rows together are `rows`. */
export function foldRows(rows: Row[], context = CONTEXT): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < rows.length) {
    const from = at;
    const same = rows[at].kind === 'same';
    while (at < rows.length && (rows[at].kind === 'same') === same) at++;
    const stretch = rows.slice(from, at);
    if (same) folded(blocks, stretch, from > 0 ? context : 0, at < rows.length ? context : 0);
    else show(blocks, stretch);
  }
  return blocks;
}

/** `head` and `tail` rows of the stretch stay visible. */
function folded(blocks: Block[], stretch: Row[], head: number, tail: number): void {
  const hidden = stretch.length - head - tail;
  if (hidden < SHORTEST_FOLD) {
    show(blocks, stretch);
    return;
  }
  show(blocks, stretch.slice(0, head));
  blocks.push({ fold: stretch.slice(head, head + hidden) });
  show(blocks, stretch.slice(head + hidden));
}

function show(blocks: Block[], rows: Row[]): void {
  if (rows.length === 0) return;
  const last = blocks.at(-1);
  if (last && 'rows' in last) for (const row of rows) last.rows.push(row);
  else blocks.push({ rows: [...rows] });
}
