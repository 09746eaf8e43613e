/** Problems are told when they come up, not with each look that finds them again. */
import type { ProblemRow } from '../results.ts';

/** Told one by one, of one look; of the others, how many they are. */
const MAX_TOLD = 100;
/** Remembered; with more, nothing is told of those beyond but their number. */
const MAX_REMEMBERED = 10_000;

export class ToldProblems {
  #rows = new Set<string>();
  #more = 0;
  /** By subject, what was said of it last. */
  readonly #states = new Map<string, string>();

  /** Those of this look that the one before did not have, and how many further ones there are where that is news. */
  news(rows: readonly ProblemRow[]): { rows: ProblemRow[]; more: number } {
    const keys = new Set<string>();
    const fresh: ProblemRow[] = [];
    let beyond = 0;
    for (const row of rows) {
      const { what, path, pathBase64, branch, snapshot, object } = row;
      const key = [what, path, pathBase64, branch, snapshot, object].join('\0');
      if (keys.size >= MAX_REMEMBERED) beyond++;
      else {
        keys.add(key);
        if (!this.#rows.has(key)) fresh.push(row);
      }
    }
    const left = Math.max(0, fresh.length - MAX_TOLD) + (beyond === this.#more ? 0 : beyond);
    this.#rows = keys;
    this.#more = beyond;
    return { rows: fresh.slice(0, MAX_TOLD), more: left };
  }

  /** True where this was not the last thing said about the subject; undefined: all is well with it. */
  isNews(subject: string, text: string | undefined): boolean {
    if (this.#states.get(subject) === text) return false;
    if (text === undefined) this.#states.delete(subject);
    else this.#states.set(subject, text);
    return text !== undefined;
  }
}
