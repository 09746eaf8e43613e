/** One page of a search by name. */
import { foldText } from '../../core/names.ts';
import { baseName, isWithin, jsonPath, nextKey, type PathKey } from '../../core/paths.ts';
import { shownEntry } from '../../core/shown-entry.ts';
import { encodeQueryPath } from '../../wire/query-path.ts';
import type { EntryRow, SearchPage } from '../../wire/views.ts';
import type { Breath } from './breath.ts';
import { entryAt, type Tree } from './tree.ts';

/** Rows of one page, and entries that are looked at for it: about 100 ms. */
export const MAX_FOUND = 200;
export const MAX_SCANNED = 50_000;

export interface SearchAsk {
  name: string;
  /** The search stays at and below it. */
  path: PathKey;
  after: PathKey | undefined;
}

export async function searchPage(tree: Tree, { name, path, after }: SearchAsk, breath: Breath): Promise<SearchPage> {
  entryAt(tree, path);
  const wanted = foldText(name);
  const rows: EntryRow[] = [];
  const walk = tree.manifest.walk(tree.reader, tree.root);
  walk.seek(after !== undefined && after >= path ? nextKey(after) : path);
  let scanned = 0;
  let last = path;
  for (let at = walk.path; at !== undefined && isWithin(at, path); at = walk.path) {
    if (rows.length === MAX_FOUND || scanned === MAX_SCANNED) return { rows, next: encodeQueryPath(last), scanned };
    if (shownName(at).includes(wanted)) rows.push(shownEntry(walk.entry()));
    scanned++;
    last = at;
    walk.next();
    if (breath.due) await breath.take();
  }
  return { rows, next: null, scanned };
}

const shownName = (path: PathKey): string => foldText(jsonPath(baseName(path) as PathKey).path);
