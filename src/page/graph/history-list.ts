/** The part of a history that was read so far: pages are joined at its end, news at its top; pure. */
import type { HistoryPage, HistoryRow } from '../../wire/views.ts';
import { type Laid, Lanes } from './lanes.ts';

/** What a first page that was read again did. `anew`: it does not join what was here, which was dropped. */
export interface Joined {
  added: number;
  anew: boolean;
}

export class HistoryList {
  #rows: HistoryRow[] = [];
  #laid: Laid[] = [];
  #lanes = new Lanes();
  #next: HistoryPage['next'] = [];
  #index = new Map<string, number>();
  /** Of all rows so far. */
  #width = 1;

  get rows(): readonly HistoryRow[] {
    return this.#rows;
  }

  /** Where the next page begins; empty: all is here. */
  get next(): HistoryPage['next'] {
    return this.#next;
  }

  get width(): number {
    return this.#width;
  }

  laid(index: number): Laid {
    return this.#laid[index];
  }

  indexOf(id: string): number | undefined {
    return this.#index.get(id);
  }

  append({ rows, next }: Pick<HistoryPage, 'rows' | 'next'>): void {
    for (const row of rows) {
      // Pages that overlap, since the history moved between them.
      if (this.#index.has(row.id)) continue;
      this.#index.set(row.id, this.#rows.length);
      this.#rows.push(row);
      const laid = this.#lanes.add(row);
      this.#laid.push(laid);
      this.#width = Math.max(this.#width, laid.width);
    }
    this.#next = next;
  }

  /** Takes the first page as it is now: what is new stands on top of what was read before, if that is still below it. */
  joinFirst(page: HistoryPage): Joined {
    const before = new Set(this.#index.keys());
    const tail = this.#below(page);
    const rest = this.#next;
    this.#clear();
    this.append(page);
    if (tail) this.append({ rows: tail, next: rest });
    return { added: page.rows.filter(({ id }) => !before.has(id)).length, anew: tail === undefined };
  }

  /** Rows that were read again, wherever they stand. */
  patch(rows: readonly HistoryRow[]): void {
    for (const row of rows) {
      const at = this.#index.get(row.id);
      if (at !== undefined) this.#rows[at] = row;
    }
  }

  /** Our rows below the page; undefined where they are not what follows it. */
  #below({ rows, next }: HistoryPage): HistoryRow[] | undefined {
    const last = rows.at(-1);
    const at = last && this.#index.get(last.id);
    if (at === undefined) return undefined;
    const first = new Set(rows.map(({ id }) => id));
    if (!this.#rows.slice(0, at + 1).every(({ id }) => first.has(id))) return undefined;
    const tail = this.#rows.slice(at + 1);
    const known = new Set([...tail.map(({ id }) => id), ...this.#next]);
    if (!next.every((id) => known.has(id))) return undefined;
    // Whatever nobody in the tail leads to must be led to from above.
    const ledTo = new Set(tail.flatMap(({ parents }) => parents));
    const begins = new Set<string>(next);
    return [...known].every((id) => ledTo.has(id as never) || begins.has(id)) ? tail : undefined;
  }

  #clear(): void {
    this.#rows = [];
    this.#laid = [];
    this.#lanes = new Lanes();
    this.#index = new Map();
    this.#width = 1;
    this.#next = [];
  }
}
