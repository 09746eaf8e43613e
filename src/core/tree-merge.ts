/**
 * Merges two trees path by path, as a stream over what differs between them. Decisions about single paths are
 * merge-entry.ts's; here is what depends on the paths above and below:
 *
 * - A directory that one side deleted stays if something below it stays that the other side added or changed.
 * - Where one side holds a directory and the other does not, and both changed it, that is one conflict, and everything
 *   below comes from the side that was chosen: nothing is mixed.
 *
 * Every entry of the result has its folders, given that the two trees have. The differences are gone through twice, so
 * that nothing is held but the names of directories that were deleted on one side and changed below on the other.
 */
import type { Change, Entry } from './entry.ts';
import { encodeEntry, sameEntryBytes } from './entry-codec.ts';
import { PlaitError } from './errors.ts';
import { CONFLICT, decide, type MergeRow, type Side } from './merge-entry.ts';
import { type LinkTrees, mergeLinks } from './merge-links.ts';
import { isWithin, type PathKey } from './paths.ts';

/** What each side made of one common ancestor, in path order. Asked for more than once. */
export interface Divergence {
  ours: () => Iterable<Change>;
  theirs: () => Iterable<Change>;
}

export interface TreeMerge {
  /** At least one. Without a common ancestor it is the empty tree: everything counts as added. */
  bases: readonly Divergence[];
  /** Who stands where both changed a path; asked more than once, to be answered alike. */
  choose: (row: MergeRow) => Side;
  /** Linked entries of all trees, where ours or theirs has any. */
  links?: LinkTrees;
}

export interface PathConflict {
  path: PathKey;
  /** Where the path is: in each base, in ours, in theirs. */
  inBases: boolean[];
  inOurs: boolean;
  inTheirs: boolean;
  chosen: Side;
}

/** What becomes of one path on which the sides differ. */
export interface MergeStep {
  row: MergeRow;
  /** Absent: the path goes. */
  after?: Entry;
  conflict?: PathConflict;
}

export interface MergeItem {
  path: PathKey;
  /** To be applied to ours; absent where ours stands. */
  change?: Change;
  conflict?: PathConflict;
}

/** In path order. Without a conflict the result is the same whichever side is called ours. */
export function* mergeTrees(merge: TreeMerge): Generator<MergeItem> {
  const survey = surveyOf(merge);
  const steps = () => stepsOf(merge, survey);
  for (const { row, after, conflict } of merge.links ? mergeLinks(merge.links, steps) : steps()) {
    const { path, ours: before } = row;
    const stays = isSame(before, after);
    if (stays && !conflict) continue;
    const change = stays ? undefined : { path, ...(before && { before }), ...(after && { after }) };
    yield { path, ...(change && { change }), ...(conflict && { conflict }) };
  }
}

function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameEntryBytes(encodeEntry(a), encodeEntry(b));
}

/** Paths on which the sides differ. Such a path has changed since every base, so all bases yield the same ones. */
function* rowsOf({ bases }: TreeMerge): Generator<MergeRow> {
  const [first, ...others] = bases.map(({ ours, theirs }) => unequal(ours(), theirs()));
  try {
    for (const { path, base, ours, theirs } of first) {
      const found = others.map((rows) => rows.next().value);
      if (found.some((row) => row?.path !== path)) {
        throw new PlaitError('unexpected', 'the bases of a merge do not belong to the same two trees');
      }
      yield { path, bases: [base, ...found.map((row) => row?.base)], ours, theirs };
    }
  } finally {
    for (const rows of others) rows.return(undefined);
  }
}

interface BaseRow {
  path: PathKey;
  base?: Entry;
  ours?: Entry;
  theirs?: Entry;
}

function* unequal(ours: Iterable<Change>, theirs: Iterable<Change>): Generator<BaseRow, undefined> {
  const [left, right] = [ours[Symbol.iterator](), theirs[Symbol.iterator]()];
  let [a, b] = [left.next(), right.next()];
  try {
    while (!a.done || !b.done) {
      if (b.done || (!a.done && a.value.path < b.value.path)) {
        const { path, before: base, after } = (a as IteratorYieldResult<Change>).value;
        yield { path, base, ours: after, theirs: base };
        a = left.next();
      } else if (a.done || b.value.path < a.value.path) {
        const { path, before: base, after } = b.value;
        yield { path, base, ours: base, theirs: after };
        b = right.next();
      } else {
        const { path, before: base, after } = a.value;
        if (!isSame(after, b.value.after)) yield { path, base, ours: after, theirs: b.value.after };
        [a, b] = [left.next(), right.next()];
      }
    }
  } finally {
    left.return?.();
    right.return?.();
  }
  return undefined;
}

/** The side that holds a directory, where only one does. */
function directorySide({ ours, theirs }: MergeRow): Side | undefined {
  if ((ours?.kind === 'dir') === (theirs?.kind === 'dir')) return undefined;
  return ours?.kind === 'dir' ? 'ours' : 'theirs';
}

const otherSide = (side: Side): Side => (side === 'ours' ? 'theirs' : 'ours');

/**
 * A conflict that everything below belongs to: a directory has met something else. One that was changed here and deleted
 * there is none: what is below was deleted path by path.
 */
function coversBelow(row: MergeRow, directory: Side): boolean {
  return row[otherSide(directory)] !== undefined || !row.bases.every((base) => base?.kind === 'dir');
}

/** What was found below directories that one side dropped. */
interface Survey {
  /** Became a file or link there, and changed here: a conflict. */
  contested: Set<PathKey>;
  /** Deleted there; something below stays without a conflict. */
  alive: Set<PathKey>;
  /** Deleted there; something below stays, if only because a conflict was decided so. */
  needed: Set<PathKey>;
}

/** A directory that only `side` has. */
interface Frame {
  path: PathKey;
  side: Side;
  found: 'replaced' | 'deleted' | 'covered';
}

function surveyOf(merge: TreeMerge): Survey {
  const survey: Survey = { contested: new Set(), alive: new Set(), needed: new Set() };
  const frames: Frame[] = [];
  for (const row of rowsOf(merge)) {
    for (let top = frames.at(-1); top !== undefined && !isWithin(row.path, top.path); top = frames.at(-1)) frames.pop();
    if (frames.at(-1)?.found === 'covered') continue;
    const after = decide(row);
    if (after !== undefined) markFolders(survey, frames, after === CONFLICT ? merge.choose(row) : undefined);
    const side = directorySide(row);
    if (side === undefined || (after !== CONFLICT && after?.kind === 'dir')) continue;
    const isCovered = after === CONFLICT && coversBelow(row, side);
    const found = isCovered ? 'covered' : row[otherSide(side)] === undefined ? 'deleted' : 'replaced';
    frames.push({ path: row.path, side, found });
  }
  return survey;
}

/** Something stays below `frames`, or, with `chosen`, is in conflict and stays if its side was chosen. */
function markFolders({ contested, alive, needed }: Survey, frames: readonly Frame[], chosen: Side | undefined): void {
  for (const { path, side, found } of frames) {
    if (found === 'replaced') contested.add(path);
    else if (chosen === undefined) alive.add(path);
    else if (chosen === side) needed.add(path);
  }
}

function* stepsOf(merge: TreeMerge, survey: Survey): Generator<MergeStep> {
  let cover: { path: PathKey; chosen: Side } | undefined;
  for (const row of rowsOf(merge)) {
    if (cover !== undefined && isWithin(row.path, cover.path)) {
      yield { row, after: row[cover.chosen] };
      continue;
    }
    const step = stepOf(merge, survey, row);
    const directory = directorySide(row);
    const covers = step.conflict && directory !== undefined && coversBelow(row, directory);
    cover = covers ? { path: row.path, chosen: step.conflict!.chosen } : undefined;
    yield step;
  }
}

function stepOf({ choose }: TreeMerge, { contested, alive, needed }: Survey, row: MergeRow): MergeStep {
  const { path } = row;
  const directory = directorySide(row);
  if (directory !== undefined && alive.has(path)) return { row, after: row[directory] };
  const after = decide(row);
  const keeps = directory !== undefined && needed.has(path);
  if (after !== CONFLICT && !contested.has(path)) return { row, after: keeps ? row[directory] : after };
  const chosen = keeps ? directory : choose(row);
  const inBases = row.bases.map((base) => base !== undefined);
  const conflict = { path, inBases, inOurs: row.ours !== undefined, inTheirs: row.theirs !== undefined, chosen };
  return { row, after: row[chosen], conflict };
}
