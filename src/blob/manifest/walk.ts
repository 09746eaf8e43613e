/** Reading a tree entry by entry, with leaps: what pages of a folder or of a search are made with. */
import type { Entry } from '../../core/entry.ts';
import type { NodeId } from '../../core/ids.ts';
import { behindKey, type PathKey, ROOT } from '../../core/paths.ts';
import type { NodeSource } from '../contract.ts';
import type { EntryWalk } from './contract.ts';
import { Cursor } from './cursor.ts';

export const walk = (source: NodeSource, root: NodeId): EntryWalk => new Walk(source, root);

export function* children(source: NodeSource, root: NodeId, folder: PathKey, after?: PathKey): Generator<Entry> {
  const prefix = folder === ROOT ? '' : `${folder}\0`;
  const at = walk(source, root);
  at.seek(after === undefined ? (prefix as PathKey) : behindKey(after));
  for (let path = at.path; path?.startsWith(prefix); path = at.path) {
    const end = path.indexOf('\0', prefix.length);
    if (end < 0) yield at.entry();
    at.seek(behindKey(end < 0 ? path : (path.slice(0, end) as PathKey)));
  }
}

class Walk implements EntryWalk {
  readonly #source: NodeSource;
  readonly #root: NodeId;
  /** Opened by the first question, which may be a leap. */
  #opened: Cursor | undefined;

  constructor(source: NodeSource, root: NodeId) {
    this.#source = source;
    this.#root = root;
  }

  get #cursor(): Cursor {
    if (!this.#opened) this.seek(ROOT);
    return this.#opened as Cursor;
  }

  get path(): PathKey | undefined {
    return this.#cursor.key;
  }

  entry(): Entry {
    return this.#cursor.entry();
  }

  next(): void {
    const cursor = this.#cursor;
    cursor.next();
    // Down to an entry, where a leaf has ended.
    if (cursor.node) cursor.seek(ROOT);
  }

  seek(path: PathKey): void {
    this.#opened ??= new Cursor(this.#source, this.#root);
    this.#opened.seek(path);
  }
}
