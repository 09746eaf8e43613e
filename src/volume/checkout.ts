/**
 * Moving a working directory from one snapshot to another. Look first (nothing unsaved may be in the way), note the
 * target in the journal, change the disk, write the stat cache, move the base, remove the journal. Cut off anywhere,
 * the same call with the same target finishes it.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import { type PathKey, parentKey, ROOT, showPath } from '../core/paths.ts';
import { Beneath } from '../disk/beneath.ts';
import { bootId } from '../disk/boot.ts';
import { makeDir, removeTree } from '../disk/files.ts';
import { isTempName, Placer, TEMP_PREFIX } from '../disk/place.ts';
import { SYNCED_AT_MOST, syncBelow } from '../disk/sync-tree.ts';
import { openBase } from './cache-session.ts';
import { buildCache } from './checkout-cache.ts';
import type { StepContext } from './checkout-context.ts';
import { Steps } from './checkout-steps.ts';
import type { BaseEntries, CheckoutOptions, CheckoutResult } from './contract.ts';
import { noteDoubt } from './doubt.ts';
import { foldsNames, refuseFolding } from './fold-check.ts';
import { withHeld } from './held.ts';
import { findJournal, removeJournal, writeJournal } from './journal.ts';
import { type Look, Looker, nothingSeen, type Resume } from './obstacles.ts';
import { Work } from './work.ts';

/** How many paths an error names. */
const NAMED = 1000;

/**
 * Throws `unsaved-changes` (data.paths) before anything is written; `no-space` or `io` when the disk gives up, with
 * the journal left for the next command. A single path that cannot be written is a problem in the result.
 */
export async function checkout(options: CheckoutOptions): Promise<CheckoutResult> {
  const { volume } = options;
  const { dir } = volume.state;
  const step = options.onStep ?? (() => {});
  const resume = resumeOf(options);
  using beneath = openRoot(dir);
  const tempDir = makeTempDir(dir, volume.stateDir, volume.state.id);
  using placer = new Placer(dir, tempDir, beneath);
  try {
    if ((options.foldsNames ?? foldsNames)(tempDir)) refuseFolding(pathsOf(options.targetEntries));
    const rootIsFresh = resume === undefined && isEmptyRoot(dir);
    const work = new Work(withHeld(options, placer), options.targetEntries);
    // A new clone: there is nothing that could be in the way.
    const look =
      rootIsFresh && work.onlyNew ? nothingSeen() : await lookFirst(options, { beneath, placer, resume }, work);
    step('looked');
    if (resume?.sameBoot === false) writeJournal(volume.stateDir, options.target, null);
    else writeJournal(volume.stateDir, options.target);
    step('journal');
    const result: CheckoutResult = { written: 0, deleted: 0, bytes: 0, problems: [] };
    const steps = new Steps({ options, work, look, beneath, placer, tempDir, resume, rootIsFresh, result });
    await runSteps(steps, step);
    await settleFiles(volume, { beneath, work, steps, result });
    step('synced');
    await finish(options, { work, steps, placer, beneath, resume }, step);
    return result;
  } finally {
    removeTree(tempDir);
  }
}

async function runSteps(steps: Steps, step: (name: string) => void): Promise<void> {
  steps.removeOld();
  step('removed');
  steps.dirs.makeAll();
  step('dirs');
  await steps.writeFiles();
  step('files');
  await steps.placeLinks();
  step('links');
}

/** The files are durable. From here on only notes change: modes of directories, cache, base, journal, in this order. */
async function finish(
  options: CheckoutOptions,
  parts: Pick<StepContext, 'work' | 'placer' | 'beneath' | 'resume'> & { steps: Steps },
  step: (name: string) => void,
): Promise<void> {
  const { volume, target, targetEntries } = options;
  const { work, steps, placer } = parts;
  const resume = parts.resume !== undefined;
  // After a cut the cache may already be the target's.
  const base = openBase(volume, () => [], cachedRoot(options));
  const old = base.open();
  const cache = buildCache({ stateDir: volume.stateDir, old, targetEntries, work, resume, steps, placer });
  old.close();
  try {
    steps.dirs.setModes();
    step('modes');
    await syncBelow(parts.beneath, touchedDirs(work));
    cache.keep(target.root);
  } catch (error) {
    cache.abandon();
    throw error;
  }
  step('cache');
  volume.update({ branch: target.branch, base: target.snapshot, baseRoot: target.root, expected: null });
  step('base');
  removeJournal(volume.stateDir);
}

/**
 * Before the base moves: once nothing is left to do, what a power cut tore would be taken for somebody's edit. Of many
 * files a note is made instead.
 */
async function settleFiles(
  volume: CheckoutOptions['volume'],
  { beneath, work, steps, result }: Pick<StepContext, 'beneath' | 'work' | 'result'> & { steps: Steps },
): Promise<void> {
  if (result.written <= SYNCED_AT_MOST || bootId() === null) {
    await syncBelow(beneath, pathsIn(writtenFiles(work, steps)));
    return;
  }
  let bytes = 0;
  for (const { size } of writtenFiles(work, steps)) bytes += size;
  noteDoubt(volume, bytes);
}

function* pathsIn(entries: Iterable<Entry>): Generator<PathKey> {
  for (const { path } of entries) yield path;
}

/** What this run wrote; what an earlier one did that was cut off is in doubt as well. */
function* writtenFiles(work: Work, steps: Steps): Generator<Entry> {
  for (const { path, after } of work.changes()) {
    if (after?.kind === 'file' && steps.ctimes.get(path) !== undefined) yield after;
  }
}

/** Where names came, went or were replaced. */
function touchedDirs(work: Work): Set<PathKey> {
  const dirs = new Set<PathKey>();
  for (const { path, after } of work.changes()) {
    dirs.add(parentKey(path));
    if (after?.kind === 'dir') dirs.add(path);
  }
  return dirs;
}

function cachedRoot({ volume, target, targetEntries }: CheckoutOptions): CheckoutOptions['target']['root'] | null {
  const { baseRoot } = volume.state;
  return baseRoot !== null && openBase(volume, targetEntries, baseRoot).cached ? baseRoot : target.root;
}

function resumeOf({ volume, target, resume }: CheckoutOptions): Resume | undefined {
  if (resume) return resume;
  const journal = findJournal(volume.stateDir);
  return journal && journal.target.root === target.root ? { sameBoot: journal.sameBoot } : undefined;
}

async function lookFirst(
  options: CheckoutOptions,
  tools: Pick<StepContext, 'beneath' | 'placer' | 'resume'>,
  work: Work,
): Promise<Look> {
  const { volume, ingest, force } = options;
  const { dir, preserve } = volume.state;
  const base = openBase(volume, () => []).open();
  try {
    const looker = new Looker(base, { ...tools, root: dir, preserve, ingest });
    const look = await looker.run(work.changes());
    if (look.obstacles.size > 0 && !force) throw unsaved(look);
    return look;
  } finally {
    base.close();
  }
}

function unsaved({ obstacles }: Look): PlaitError {
  const paths = [...obstacles].slice(0, NAMED).map(showPath);
  const shown = paths.slice(0, 3).join(', ');
  const more = obstacles.size > 3 ? ` and ${obstacles.size - 3} more` : '';
  return new PlaitError('unsaved-changes', `unsaved changes are in the way: ${shown}${more}; nothing was written`, {
    hint: 'make a snapshot first, move them away, or give them up with --force',
    data: { paths, count: obstacles.size },
  });
}

function openRoot(dir: string): Beneath {
  const stat = statSync(dir, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    throw new PlaitError('not-found', `the working directory ${dir} is not there`, {
      hint: 'was it moved or unmounted?',
    });
  }
  return new Beneath(dir);
}

/** Beside the volume's state if that is on the same file system, so that a rename puts files in place; else in the root. */
function makeTempDir(dir: string, stateDir: string, id: string): string {
  const same = lstatSync(stateDir).dev === statSync(dir).dev;
  const tempDir = same ? join(stateDir, 'tmp') : join(dir, `${TEMP_PREFIX}${id.slice(0, 16)}`);
  removeTree(tempDir);
  makeDir(tempDir);
  return tempDir;
}

const isEmptyRoot = (dir: string): boolean =>
  readdirSync(dir, { encoding: 'latin1' }).every((name) => name === '.plait' || isTempName(name));

function* pathsOf(entries: BaseEntries) {
  for (const { path } of entries()) if (path !== ROOT) yield path;
}
