/** Which rows of a long list are worth drawing: those near what is seen, and the one that has the focus. */

export interface Seen {
  /** Of the first row, in pixels; above what is seen it is negative. */
  top: number;
  /** Of what is seen. */
  height: number;
  rowHeight: number;
  rows: number;
}

/** Drawn beyond what is seen, so that the next row is there before it is needed. */
const AROUND = 12;

/** First row, and the one behind the last. */
export function seenRange({ top, height, rowHeight, rows }: Seen, around = AROUND): [from: number, to: number] {
  const from = Math.floor(-top / rowHeight) - around;
  const to = Math.ceil((height - top) / rowHeight) + around;
  return [clamp(from, 0, rows), clamp(to, 0, rows)];
}

/** What stands below each other: a row, or room for rows that are not drawn. */
export type Slot = { row: number } | { gap: number };

/** Rows in order. `kept`: one that is drawn wherever it is. */
export function drawnRows([from, to]: [from: number, to: number], rows: number, kept?: number): number[] {
  const drawn = Array.from({ length: to - from }, (_, i) => from + i);
  if (kept === undefined || kept < 0 || kept >= rows) return drawn;
  if (kept < from) drawn.unshift(kept);
  else if (kept >= to) drawn.push(kept);
  return drawn;
}

export function slotsOf(range: [from: number, to: number], rows: number, kept?: number): Slot[] {
  const slots: Slot[] = [];
  let next = 0;
  for (const row of drawnRows(range, rows, kept)) {
    if (row > next) slots.push({ gap: row - next });
    slots.push({ row });
    next = row + 1;
  }
  if (rows > next) slots.push({ gap: rows - next });
  return slots;
}

const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, value));
