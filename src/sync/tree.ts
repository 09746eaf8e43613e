/** Looking into a snapshot: `ls` and `cat`. */
import type { Entry } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import { jsonPath, type PathKey, parentKey, showPath } from '../core/paths.ts';
import { currentVolset, type Engine, type Outcome, outcome, rootHere } from './engine.ts';
import { resolveReference } from './references.ts';
import type { JsonPath } from './results.ts';

export interface ListRow extends JsonPath {
  kind: Entry['kind'];
  /** Octal permission bits. */
  mode: string;
  size: number;
  /** ISO 8601 with nanoseconds; null where it is not kept. */
  mtime: string | null;
  target?: string;
}

/** The named folder's own entries, or the one file that was named. */
export function ls(engine: Engine, ref: string, path: PathKey): Outcome<{ entries: ListRow[] }> {
  const volset = currentVolset(engine).id;
  const reader = engine.blob.reader(volset);
  const root = rootHere(engine, volset, resolveReference(engine, volset, ref).snapshot);
  const at = path === '' ? undefined : engine.manifest.find(reader, root, path);
  if (path !== '' && !at) throw noSuchPath(path, ref);
  if (at && at.kind !== 'dir') return outcome({ entries: [listRow(at)] });
  const entries: ListRow[] = [];
  for (const entry of engine.manifest.entries(reader, root, path)) {
    if (entry.path !== path && parentKey(entry.path) === path) entries.push(listRow(entry));
  }
  return outcome({ entries });
}

function listRow(entry: Entry): ListRow {
  const target = entry.target && Buffer.from(entry.target).toString('utf8');
  return {
    ...jsonPath(entry.path),
    kind: entry.kind,
    mode: entry.mode.toString(8).padStart(4, '0'),
    size: entry.size,
    mtime: entry.kind === 'file' ? isoNs(entry.mtime) : null,
    ...(target !== undefined && { target }),
  };
}

/** Nanoseconds since the epoch as ISO 8601 with nine digits. */
export function isoNs(ns: bigint): string {
  const ms = ns >= 0n ? ns / 1_000_000n : -((-ns + 999_999n) / 1_000_000n);
  const rest = (ns - ms * 1_000_000n).toString().padStart(6, '0');
  return new Date(Number(ms)).toISOString().replace('Z', `${rest}Z`);
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
