/** The store's own small files: what is damaged, and (notes) what is wrong with files that mend themselves. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import { CACHE_NAME } from '../../volume/cache-session.ts';
import type { VolumeState } from '../../volume/contract.ts';
import { findJournal } from '../../volume/journal.ts';
import { checkCache } from '../../volume/stat-cache.ts';
import { readDotPlait, readState, STATE_NAME } from '../../volume/state.ts';
import type { Engine } from '../engine.ts';
import { formatFault } from '../store.ts';
import { type FileRole, type Finding, noneAffected } from './findings.ts';

export interface FileFaults {
  findings: Finding[];
  notes: string[];
}

export function fileFaults(engine: Pick<Engine, 'dir' | 'meta' | 'blob'>): FileFaults {
  const found: FileFaults = { findings: [], notes: [] };
  const fault = (role: FileRole, path: string, what: string, volset: VolsetId | null = null): void =>
    void found.findings.push({ ...noneAffected(), kind: 'file', role, path, volset, what: `${path}: ${what}` });
  const format = formatFault(engine.dir);
  if (format !== undefined) fault('format', join(engine.dir, 'format'), format);
  for (const id of names(join(engine.dir, 'volumes'))) volumeFaults(engine, id, fault, found.notes);
  tokenFaults(engine, fault);
  orphans(engine, found.notes);
  return found;
}

type Fault = (role: FileRole, path: string, what: string, volset?: VolsetId | null) => void;

function volumeFaults({ dir, meta }: Pick<Engine, 'dir' | 'meta'>, id: string, fault: Fault, notes: string[]): void {
  const stateDir = join(dir, 'volumes', id);
  const path = join(stateDir, STATE_NAME);
  const inside = names(stateDir);
  if (!inside.includes(STATE_NAME)) {
    // What a crash while a volume is made leaves is empty.
    if (inside.some((name) => name === CACHE_NAME || name === 'checkout.json')) fault('volume', path, 'it is missing');
    return;
  }
  const state = attempt(
    () => readState(stateDir),
    (what) => fault('volume', path, what),
  );
  if (state) stateFaults(meta, state, path, fault);
  const journal = attempt(
    () => findJournal(stateDir),
    (what) => fault('journal', join(stateDir, 'checkout.json'), what),
  );
  if (journal && state && meta.knowsVolset(state.volset) && !meta.findSnapshot(state.volset, journal.target.snapshot))
    fault('journal', join(stateDir, 'checkout.json'), 'it names an unknown snapshot', state.volset);
  if (inside.includes(CACHE_NAME) && checkCache(join(stateDir, CACHE_NAME)) === undefined)
    notes.push(
      `${join(stateDir, CACHE_NAME)} is damaged: the next command there reads all files anew and makes it again`,
    );
  if (state) pointerFaults(dir, id, state, fault, notes);
}

/** A volume whose volset is unknown is a clone that was cut off, or its volset was deleted. */
function stateFaults(meta: Engine['meta'], state: VolumeState, path: string, fault: Fault): void {
  const { volset, base, baseRoot } = state;
  if (base === null || !meta.knowsVolset(volset)) return;
  const view = meta.findSnapshot(volset, base);
  if (!view && meta.forgotten(volset, [base]).length > 0) return;
  if (!view) fault('volume', path, `it stands on an unknown snapshot (${base})`, volset);
  else if (baseRoot !== null && view.body.root !== baseRoot)
    fault('volume', path, 'it says of its snapshot what is not so', volset);
}

/** A `.plait` file that is gone may have been moved away on purpose. */
function pointerFaults(store: string, id: string, { dir, volset }: VolumeState, fault: Fault, notes: string[]): void {
  if (dir === dirname(store) || !statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
  const path = join(dir, '.plait');
  const found = attempt(
    () => readDotPlait(dir) ?? null,
    (what) => fault('pointer', path, what, volset),
  );
  if (found === null) notes.push(`${path} is not there: ${dir} does not find its store any more`);
  else if (found && found.volume !== undefined && found.volume !== id)
    notes.push(`${path} names another volume than the one that was here`);
}

const TOKEN = /^[\x21-\x7e]+\n?$/;

/** Only what is in the store is ours. What its text says only the remote can tell: a wrong one is refused (exit 12). */
function tokenFaults({ dir, meta }: Pick<Engine, 'dir' | 'meta'>, fault: Fault): void {
  const own = join(dir, 'tokens');
  for (const { name, tokenFile } of meta.listRemotes()) {
    if (tokenFile === undefined || dirname(tokenFile) !== own) continue;
    const text = attempt(
      () => readFileSync(tokenFile, 'latin1'),
      (what) => fault('token', tokenFile, what),
    );
    if (text !== undefined && !TOKEN.test(text)) fault('token', tokenFile, `it is no token (of the remote ${name})`);
  }
}

/** Files that gc removes unless a session is moving them: no damage. */
function orphans({ dir, blob }: Pick<Engine, 'dir' | 'blob'>, notes: string[]): void {
  const known = new Set(blob.packs().map(({ volset, pack }) => `${volset}/${pack}.pack`));
  let count = 0;
  for (const volset of names(join(dir, 'packs')))
    for (const name of names(join(dir, 'packs', volset)))
      if (name.endsWith('.pack') && !known.has(`${volset}/${name}`)) count++;
  if (count > 0) notes.push(`${count} pack files are not in the chunk index: gc removes those that nobody is moving`);
}

function attempt<T>(read: () => T, fault: (what: string) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof PlaitError) && code === undefined) throw error;
    fault(code === 'ENOENT' ? 'it is missing' : (error as Error).message);
    return undefined;
  }
}

function names(dir: string): string[] {
  try {
    return readdirSync(dir).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
