/** One page of what differs between two snapshots, and totals of all of it. */
import { isOnlyDirTime } from '../../core/directory-time.ts';
import type { Change } from '../../core/entry.ts';
import { nextKey, type PathKey, ROOT } from '../../core/paths.ts';
import { letterOf, shownChange } from '../../core/shown-change.ts';
import { encodeQueryPath } from '../../wire/query-path.ts';
import { type DiffEntry, type DiffPage, type DiffTotals, MAX_VIEW_ROWS } from '../../wire/views.ts';
import type { Breath } from './breath.ts';
import type { Tree } from './tree.ts';

/** Changes that are counted for the totals, and looked at for any other page. */
export const MAX_COUNTED = 200_000;
export const MAX_LOOKED = 20_000;

export interface DiffAsk {
  /** Undefined: nothing, so that all of the other was added. */
  from: Tree | undefined;
  to: Tree;
  after: PathKey | undefined;
}

export async function diffPage(ask: DiffAsk, breath: Breath): Promise<DiffPage> {
  const totals = ask.after === undefined ? noTotals() : null;
  const rows: DiffEntry[] = [];
  let next: PathKey | null = null;
  let last = ROOT;
  let looked = 0;
  for (const change of changes(ask)) {
    const counts = !isOnlyDirTime(change);
    if (next === null && ((counts && rows.length === MAX_VIEW_ROWS) || looked === MAX_LOOKED)) next = last;
    if (totals ? looked === MAX_COUNTED : next !== null) break;
    looked++;
    last = change.path;
    if (counts && next === null) rows.push({ ...shownChange(change), letter: letterOf(change) });
    if (counts && totals) count(totals, change);
    if (breath.due) await breath.take();
  }
  if (totals && looked === MAX_COUNTED) totals.whole = false;
  return { rows, next: next && encodeQueryPath(next), totals };
}

function changes({ from, to, after }: DiffAsk): Iterable<Change> {
  const { manifest, reader, root } = to;
  const start = after === undefined ? ROOT : nextKey(after);
  return from ? manifest.diff(reader, from.root, root, start) : added(to, start);
}

function* added({ manifest, reader, root }: Tree, start: PathKey): Generator<Change> {
  const walk = manifest.walk(reader, root);
  for (walk.seek(start); walk.path !== undefined; walk.next()) yield { path: walk.path, after: walk.entry() };
}

const noTotals = (): DiffTotals => ({
  added: 0,
  modified: 0,
  deleted: 0,
  typeChanged: 0,
  bytesBefore: 0,
  bytesAfter: 0,
  whole: true,
});

const NAMES = { A: 'added', M: 'modified', D: 'deleted', T: 'typeChanged' } as const;

function count(totals: DiffTotals, change: Change): void {
  totals[NAMES[letterOf(change)]]++;
  totals.bytesBefore += change.before?.size ?? 0;
  totals.bytesAfter += change.after?.size ?? 0;
}
