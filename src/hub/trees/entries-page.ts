/** One page of a folder. */
import { PlaitError } from '../../core/errors.ts';
import { type PathKey, parentKey } from '../../core/paths.ts';
import { shownEntry } from '../../core/shown-entry.ts';
import { encodeQueryPath } from '../../wire/query-path.ts';
import type { EntriesPage, EntryRow } from '../../wire/views.ts';
import type { Breath } from './breath.ts';
import { entryAt, type Tree } from './tree.ts';

export interface EntriesAsk {
  path: PathKey;
  after: PathKey | undefined;
  limit: number;
}

export async function entriesPage(
  tree: Tree,
  { path, after, limit }: EntriesAsk,
  breath: Breath,
): Promise<EntriesPage> {
  const { manifest, reader, root } = tree;
  const named = entryAt(tree, path);
  const at = named ? shownEntry(named) : null;
  if (named && named.kind !== 'dir') return { at, rows: [], next: null };
  if (after !== undefined && parentKey(after) !== path) {
    throw new PlaitError('protocol', 'a page goes on behind an entry of the same folder');
  }
  const rows: EntryRow[] = [];
  let last = path;
  for (const entry of manifest.children(reader, root, path, after)) {
    if (rows.length === limit) return { at, rows, next: encodeQueryPath(last) };
    rows.push(shownEntry(entry));
    last = entry.path;
    if (breath.due) await breath.take();
  }
  return { at, rows, next: null };
}
