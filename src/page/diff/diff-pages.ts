/** All that differs between two snapshots, as far as it was asked for: read once, whatever of it is shown. */
import type { DiffEntry, DiffPage, DiffTotals } from '../../wire/views.ts';

export type Letter = DiffEntry['letter'];

/** Pages that are read in search of one letter before somebody has to ask for more. */
const PATIENCE = 20;

export class DiffPages {
  readonly #read: (after: string | undefined) => Promise<DiffPage>;
  readonly #rows: DiffEntry[] = [];
  #next: string | null | undefined;
  #pages = 0;
  #totals: DiffTotals | null = null;
  /** For all who wait for it. */
  #reading: Promise<void> | undefined;

  /** @param read reads on though one of those who wait gives up */
  constructor(read: (after: string | undefined) => Promise<DiffPage>) {
    this.#read = read;
  }

  /** Of the first page, once that was read. */
  get totals(): DiffTotals | null {
    return this.#totals;
  }

  /**
   * `after`, `next`: places in what was read, which differ even where nothing was in a page. Rows may be none though
   * more follow.
   */
  async page(
    letter: Letter | null,
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<{ rows: DiffEntry[]; next: string | null }> {
    const from = Number.parseInt(after ?? '0', 10);
    for (let pages = 0; ; pages++) {
      const rows = this.#rows.slice(from).filter((row) => letter === null || row.letter === letter);
      const whole = this.#next === null;
      if (rows.length > 0 || whole || pages === PATIENCE)
        return { rows, next: whole ? null : `${this.#rows.length} ${this.#pages}` };
      signal.throwIfAborted();
      this.#reading ??= this.#more().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
  }

  async #more(): Promise<void> {
    const { rows, next, totals } = await this.#read(this.#next ?? undefined);
    for (const row of rows) this.#rows.push(row);
    this.#next = next;
    this.#pages++;
    this.#totals ??= totals;
  }
}
