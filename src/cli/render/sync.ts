/** How the documents of fetch, push, pull and sync read to people and to scripts. */
import { showText } from '../../core/paths.ts';
import type { Verb } from '../../sync/replicate.ts';
import type { AllVolsetsResult, BranchOutcome, DivergedBranch, SyncResult } from '../../sync/results.ts';
import { formatBytes, formatDuration, plural, shortId } from '../format.ts';
import { conflictLines, subjectOf } from './conflicts.ts';

const id = (snapshot: string | null): string => (snapshot === null ? '-' : snapshot);
const short = (snapshot: string | null): string => (snapshot === null ? 'nothing' : shortId(snapshot));

const FLAG: Record<BranchOutcome['action'], string> = {
  new: '*',
  'fast-forward': ' ',
  'up-to-date': '=',
  ahead: '=',
  behind: '=',
  renamed: '=',
  replaced: '*',
  rejected: '!',
  deleted: '-',
};

/** Frozen: FLAG, branch, from, to, note. Of a conflict: what it is about instead of a branch, and its id in the note. */
export function porcelainRows(result: SyncResult): string[] {
  return [
    ...result.branches.map(({ name, side, action, from, to, was }) =>
      [FLAG[action], showText(name), id(from), id(to), `${side} ${action}${was ? ` ${showText(was)}` : ''}`].join('\t'),
    ),
    ...result.conflicts.map((row) => ['C', subjectOf(row), '-', '-', `${row.kind} ${row.id}`].join('\t')),
  ];
}

export function syncLines(verb: Verb, result: SyncResult): string[] {
  const { remote, dryRun, pushed, pulled, conflicts } = result;
  const lines = result.branches.flatMap((row) => branchLine(row, remote, dryRun) ?? []);
  lines.push(...overtakenLines(result));
  for (const diverged of result.diverged) lines.push(...divergedLines(diverged, remote));
  lines.push(...conflictLines(conflicts, { dryRun }));
  for (const { what, message } of result.problems) {
    lines.push(`${what === 'unsaved-changes' ? '!' : 'problem:'} ${showText(message)}`);
  }
  if (verb !== 'pull' && result.problems.some(({ what }) => what === 'declined' || what === 'not-sent')) {
    lines.push(`  what was not sent stays in the queue: see \`plait queue list ${remote}\``);
  }
  const moved = [
    pushed.snapshots > 0 && `sent ${plural(pushed.snapshots, 'snapshot')}, ${formatBytes(pushed.bytes)}`,
    pulled.snapshots > 0 && `received ${plural(pulled.snapshots, 'snapshot')}, ${formatBytes(pulled.bytes)}`,
  ].filter((part) => part !== false);
  if (moved.length > 0) lines.push(`${moved.join('; ')} in ${formatDuration(result.durationMs)}`);
  if (lines.length === 0) {
    lines.push(
      result.upToDate
        ? `up to date with ${remote}`
        : `${verb === 'push' ? 'sent metadata to' : 'exchanged metadata with'} ${remote}`,
    );
  }
  return lines;
}

function branchLine(
  { name, side, action, from, to, was }: BranchOutcome,
  remote: string,
  dryRun: boolean,
): string | undefined {
  const where = side === 'remote' ? `${remote}/${showText(name)}` : showText(name);
  const would = dryRun ? 'would become' : '->';
  switch (action) {
    case 'new':
      return `* ${where} ${would} ${short(to)} (new)`;
    case 'fast-forward':
      return `  ${where} ${short(from)} ${would} ${short(to)}`;
    case 'renamed':
      return `  ${showText(was ?? '')} ${dryRun ? 'would be' : 'is now'} ${where}`;
    case 'replaced':
      return `* ${where} ${short(from)} ${would} ${short(to)} (theirs; ours goes on as another branch)`;
    case 'deleted':
      return `- ${where} ${dryRun ? 'would be deleted' : 'deleted'}${from === null ? '' : `, was ${short(from)}`}`;
    case 'behind':
      return side === 'remote'
        ? `  ${showText(name)} is behind ${remote}: \`plait pull ${remote}\``
        : `  ${where} is behind: \`plait pull ${remote}\``;
    case 'ahead':
      return `  ${where} is ahead: \`plait push ${remote}\``;
    default:
      return undefined;
  }
}

/** Somebody else was faster, unless a problem says what else it was; what they did is not known before the next session. */
function* overtakenLines({ branches, diverged, problems, remote, dryRun }: SyncResult): Generator<string> {
  if (dryRun || problems.some(({ what }) => what !== 'unsaved-changes')) return;
  const told = new Set(diverged.map(({ branch }) => branch));
  for (const { name, side, action } of branches) {
    if (side !== 'remote' || action !== 'rejected' || told.has(name)) continue;
    const tip = `${remote}/${showText(name)}`;
    yield `! ${tip} was not moved, for somebody else moved it meanwhile: \`plait sync ${remote}\``;
  }
}

/** Both lines are kept; each of the three commands ends it. */
function* divergedLines({ branch, current, target, base }: DivergedBranch, remote: string): Generator<string> {
  const name = showText(branch);
  const forked = base === null ? 'no common ancestor' : `forked at ${short(base)}`;
  yield `! ${name} has diverged from ${remote}/${name}: here ${short(current)}, there ${short(target)}, ${forked}`;
  yield '  nothing was overwritten; go on with one of';
  const ways = [
    [`plait merge ${remote}/${name}`, `join both lines, with ${name} checked out`],
    [`plait push ${remote} --branch ${name} --as NAME`, `ours becomes branch NAME, ${name} follows ${remote}`],
    [`plait pull ${remote} --branch ${name} --theirs`, `take theirs, ours stays as ${name}.kept-xxxx`],
  ];
  const width = Math.max(...ways.map(([command]) => command.length));
  for (const [command, effect] of ways) yield `    ${command.padEnd(width)}  ${effect}`;
}

/** The same rows for each volset, with its name before them. */
export function* allPorcelainRows({ volsets }: AllVolsetsResult): Generator<string> {
  for (const one of volsets) {
    yield `#\t${showText(one.volset ?? one.volsetId)}\t${'error' in one ? one.error.code : 'ok'}`;
    if (!('error' in one)) yield* porcelainRows(one);
  }
}

export function* allSyncLines(verb: Verb, { remote, volsets }: AllVolsetsResult): Generator<string> {
  if (volsets.length === 0) yield `${remote} and this store have no volume set in common`;
  for (const one of volsets) {
    const name = showText(one.volset ?? one.volsetId);
    if ('error' in one) {
      yield `${name}: failed: ${showText(one.error.message)}`;
      if (one.error.hint) yield `  ${showText(one.error.hint)}`;
      continue;
    }
    const [first, ...rest] = syncLines(verb, one);
    if (rest.length === 0) {
      yield `${name}: ${first.trimStart()}`;
      continue;
    }
    yield `${name}:`;
    yield* [first, ...rest];
  }
}
