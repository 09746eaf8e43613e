/** Looking into a snapshot: `ls` and `cat`. */
import { PlaitError } from '../core/errors.ts';
import { type PathKey, showPath } from '../core/paths.ts';
import { type ShownEntry, shownEntry } from '../core/shown-entry.ts';
import { currentVolset, type Engine, type Outcome, outcome, rootHere } from './engine.ts';
import { resolveReference } from './references.ts';

export type ListRow = ShownEntry;

/** The named folder's own entries, or the one file that was named. */
export function ls(engine: Engine, ref: string, path: PathKey): Outcome<{ entries: ListRow[] }> {
  const volset = currentVolset(engine).id;
  const reader = engine.blob.reader(volset);
  const root = rootHere(engine, volset, resolveReference(engine, volset, ref).snapshot);
  const at = path === '' ? undefined : engine.manifest.find(reader, root, path);
  if (path !== '' && !at) throw noSuchPath(path, ref);
  if (at && at.kind !== 'dir') return outcome({ entries: [shownEntry(at)] });
  return outcome({ entries: Array.from(engine.manifest.children(reader, root, path), shownEntry) });
}

/** A file's bytes, piece by piece, each checked before it is handed out. */
export function cat(engine: Engine, ref: string, path: PathKey): Iterable<Uint8Array> {
  const volset = currentVolset(engine).id;
  const reader = engine.blob.reader(volset);
  const root = rootHere(engine, volset, resolveReference(engine, volset, ref).snapshot);
  const entry = engine.manifest.find(reader, root, path);
  if (!entry) throw noSuchPath(path, ref);
  if (entry.kind !== 'file' || !entry.content) {
    const what = entry.kind === 'dir' ? 'a directory' : 'a symbolic link';
    throw new PlaitError('usage', `${showPath(path)} is ${what} in ${ref}`, { hint: `see \`plait ls ${ref}\`` });
  }
  return reader.readFile(entry.content);
}

export const noSuchPath = (path: PathKey, ref: string): PlaitError =>
  new PlaitError('not-found', `${showPath(path)} is not in ${ref}`, { hint: `see \`plait ls ${ref}\`` });
