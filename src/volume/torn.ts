/**
 * After a power cut: which files have all that a checkout gave them but their content? An edit has a time of its own,
 * and is left alone like what was removed: of names, a checkout is durable.
 */
import type { Entry } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import type { FileSource } from '../core/files.ts';
import type { FileStat } from '../core/stat.ts';
import { Beneath } from '../disk/beneath.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { isUnfinished, Placer } from '../disk/place.ts';
import { closeTimes } from '../disk/times.ts';
import type { ChangesOptions, Volume } from './contract.ts';
import { sameContent } from './make-entry.ts';
import { SHORTAGE, unreadable } from './obstacles.ts';
import { errnoOf } from './problems.ts';

export interface TornOptions {
  volume: Volume;
  /** Of the base: those that may be torn, in path order. */
  entries: Iterable<Entry>;
  ingest: ChangesOptions['ingest'];
}

interface Suspect {
  entry: Entry;
  source: FileSource;
}

/** How many files are hashed in one go. */
const BATCH = 1000;

export async function findTorn({ volume, entries, ingest }: TornOptions): Promise<Entry[]> {
  const { dir } = volume.state;
  using beneath = new Beneath(dir);
  using placer = new Placer(dir, volume.stateDir, beneath);
  const torn: Entry[] = [];
  let suspects: Suspect[] = [];
  const settle = async (): Promise<void> => {
    for (const entry of await hashed(dir, suspects, ingest)) torn.push(entry);
    suspects = [];
  };
  for (const entry of entries) {
    const found = look(placer, entry);
    if (found === true) torn.push(entry);
    else if (found && suspects.push({ entry, source: found }) >= BATCH) await settle();
  }
  await settle();
  return torn.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** true: torn; a source: only its content can tell. */
function look(placer: Placer, entry: Entry): boolean | FileSource {
  if (entry.kind !== 'file') return false;
  const stat = statOf(placer, entry);
  if (stat === undefined || kindOfMode(stat.mode) !== 'file') return false;
  if (isUnfinished(stat.mode)) return true;
  if (stat.size > entry.size || !closeTimes(entry.mtime, stat.mtimeNs)) return false;
  return stat.size < entry.size || { path: entry.path, stat };
}

function statOf(placer: Placer, { path }: Entry): FileStat | undefined {
  try {
    return placer.stat(path);
  } catch (error) {
    // In a folder that is closed to us nothing was written by us.
    if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    return undefined;
  }
}

async function hashed(root: string, suspects: Suspect[], ingest: TornOptions['ingest']): Promise<Entry[]> {
  if (suspects.length === 0) return [];
  const torn: Entry[] = [];
  let next = 0;
  for await (const result of ingest(root, sourcesOf(suspects))) {
    const { entry } = suspects[next++];
    if (result.path !== entry.path) throw new PlaitError('unexpected', 'files were read out of order');
    if (result.status === 'unreadable' && SHORTAGE.has(result.errno ?? '')) throw unreadable(entry.path, result.errno);
    // What is gone by now, is being written, or is closed to us, is somebody's.
    if (result.status === 'stored' && !sameContent(entry, { ...entry, content: result.content })) torn.push(entry);
  }
  return torn;
}

async function* sourcesOf(suspects: Suspect[]): AsyncGenerator<FileSource> {
  for (const { source } of suspects) yield source;
}
