/** Status, differences, listings and history as people read them. */
import { keyOfBytes, keyOfText, type PathKey, showPath, showText } from '../../core/paths.ts';
import type { DiffResult } from '../../sync/compare.ts';
import type { LogRow } from '../../sync/history.ts';
import type { JsonPath, StatusResult } from '../../sync/results.ts';
import type { ListRow } from '../../sync/tree.ts';
import { formatBytes, formatTable, formatTime, plural, shortId } from '../format.ts';
import { NO_PAINT, type Paint } from '../paint.ts';
import { openConflicts } from './conflicts.ts';

const keyOf = ({ path, pathBase64 }: JsonPath): PathKey =>
  pathBase64 === undefined ? keyOfText(path) : keyOfBytes(Buffer.from(pathBase64, 'base64'));
export const shownPath = (row: JsonPath): string => showPath(keyOf(row));

type Changed = Pick<StatusResult, 'added' | 'modified' | 'deleted' | 'typeChanged'>;
const LETTERS = [
  ['A', 'added'],
  ['M', 'modified'],
  ['D', 'deleted'],
  ['T', 'typeChanged'],
] as const;

/** Frozen: LETTER, path; in path order within a letter. */
const PAINTS = { A: 'good', M: 'notice', D: 'bad', T: 'notice' } as const;

export function* changeRows(changed: Changed, separator = '\t', paint: Paint = NO_PAINT): Generator<string> {
  for (const [letter, list] of LETTERS)
    for (const row of changed[list]) yield `${paint[PAINTS[letter]](letter)}${separator}${shownPath(row)}`;
}

export function* statusPorcelain(result: StatusResult): Generator<string> {
  yield* changeRows(result);
  for (const remote of result.remotes) {
    for (const { name, ahead, behind } of remote.branches)
      yield ['#', remote.name, showText(name), ahead, behind].join('\t');
  }
}

export function* statusLines(result: StatusResult, paint: Paint): Generator<string> {
  const at = result.base === null ? 'no snapshot yet' : `at ${shortId(result.base)}`;
  yield `${showText(result.volset ?? result.volsetId)} on ${result.branch === null ? 'no branch (detached)' : `branch ${showText(result.branch)}`}, ${at}`;
  if (result.branch !== null && result.tip !== result.base && result.tip !== null) {
    yield `the tip of ${showText(result.branch)} is ${shortId(result.tip)}: \`plait checkout ${showText(result.branch)}\``;
  }
  for (const remote of result.remotes) yield* remoteLines(remote);
  if (result.conflicts > 0) yield openConflicts(result.conflicts);
  yield result.clean ? 'no unsaved change' : 'unsaved changes:';
  yield* changeRows(result, '  ', paint);
  for (const { message } of result.problems) yield `problem: ${showText(message)}`;
}

function* remoteLines(remote: StatusResult['remotes'][number]): Generator<string> {
  yield* standingLines(remote);
  const { name, queued, dead } = remote;
  const parts = [
    queued > 0 && `${plural(queued, 'snapshot')} ${queued === 1 ? 'waits' : 'wait'} to be pushed to ${name}`,
    dead > 0 && `${queued > 0 ? dead : plural(dead, 'snapshot')} ${dead === 1 ? 'was' : 'were'} refused`,
  ].filter((part) => part !== false);
  if (parts.length > 0) yield `${parts.join('; ')}${queued > 0 ? '' : ` by ${name}`}: see \`plait queue list\``;
}

function* standingLines({ name, branches, lastSync }: StatusResult['remotes'][number]): Generator<string> {
  if (lastSync === null) {
    yield `${name}: never synced`;
    return;
  }
  for (const branch of branches) {
    const { ahead, behind } = branch;
    const parts = [ahead > 0 && `${ahead} ahead`, behind > 0 && `${behind} behind`].filter((part) => part !== false);
    if (branch.diverged) parts.push('diverged');
    yield `${name}/${showText(branch.name)}: ${parts.length > 0 ? parts.join(', ') : 'up to date'}`;
  }
}

export function* diffLines(result: DiffResult, mode: 'all' | 'stat' | 'names', paint: Paint): Generator<string> {
  if (mode === 'names') {
    for (const [, list] of LETTERS) for (const row of result[list]) yield shownPath(row);
    return;
  }
  yield* changeRows(result, '  ', paint);
  if (mode !== 'stat') return;
  const sum = (rows: DiffResult['added'], side: 'before' | 'after') =>
    rows.reduce((n, row) => n + (row[side]?.size ?? 0), 0);
  const { added, modified, deleted, typeChanged } = result;
  const after = sum(added, 'after') + sum(modified, 'after') + sum(typeChanged, 'after');
  const before = sum(deleted, 'before') + sum(modified, 'before') + sum(typeChanged, 'before');
  const changed = modified.length + typeChanged.length;
  yield `${plural(added.length, 'added', 'added')}, ${changed} changed, ${deleted.length} deleted; ${formatBytes(before)} -> ${formatBytes(after)}`;
}

export function listLines(entries: ListRow[]): string[] {
  const rows = entries.map((row) => {
    const name = row.kind === 'dir' ? `${shownPath(row)}/` : shownPath(row);
    const shown = row.target === undefined ? name : `${name} -> ${showText(row.target)}`;
    const time = row.mtime === null ? '' : formatTime(Date.parse(row.mtime));
    return [row.mode, row.kind === 'file' ? formatBytes(row.size) : '', time, shown];
  });
  return formatTable(['mode', 'size', 'modified', 'path'], rows);
}

export function* logLines(rows: LogRow[], paint: Paint): Generator<string> {
  for (const row of rows) {
    const labels = row.branches.length > 0 ? ` (${row.branches.map(showText).join(', ')})` : '';
    yield `${paint.id(`snapshot ${row.snapshot}`)}${paint.good(labels)}`;
    if (row.name !== null) yield `  name:    ${showText(row.name)}`;
    yield `  created: ${formatTime(Date.parse(row.created))} by ${showText(row.creator)}`;
    const size = `${plural(row.files, 'file')}, ${formatBytes(row.bytes)}`;
    yield `  data:    ${size}${row.hasBlob ? '' : ', not here'}`;
    for (const [key, value] of Object.entries(row.attrs)) yield `  ${showText(key)}: ${showText(value)}`;
    if (row.description) yield `  ${showText(row.description)}`;
  }
}

/** One line a snapshot, with the lines of history drawn beside. */
export function* graphLines(rows: LogRow[]): Generator<string> {
  const lanes: (string | null)[] = [];
  for (const row of rows) {
    let lane = lanes.indexOf(row.snapshot);
    if (lane < 0) lane = freeLane(lanes);
    lanes.forEach((id, i) => {
      if (id === row.snapshot) lanes[i] = null;
    });
    const drawn = lanes.map((id, i) => (i === lane ? '*' : id === null ? ' ' : '|'));
    if (lane >= drawn.length) drawn[lane] = '*';
    const [first, ...others] = row.parents;
    lanes[lane] = first ?? null;
    for (const parent of others) if (!lanes.includes(parent)) lanes[freeLane(lanes)] = parent;
    const labels = row.branches.length > 0 ? ` (${row.branches.map(showText).join(', ')})` : '';
    const text = row.description ?? row.name ?? '';
    yield `${Array.from(drawn, (c) => c ?? ' ').join(' ')} ${shortId(row.snapshot)}${labels}${text ? ` ${showText(text)}` : ''}`;
  }
}

function freeLane(lanes: (string | null)[]): number {
  const free = lanes.indexOf(null);
  return free < 0 ? lanes.length : free;
}
