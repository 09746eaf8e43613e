/** How the documents of fetch, push, pull and sync read to people and to scripts. */
import { showText } from '../../core/paths.ts';
import type { Verb } from '../../sync/replicate.ts';
import type { BranchOutcome, SyncResult } from '../../sync/results.ts';
import { formatBytes, formatDuration, plural, shortId } from '../format.ts';

const id = (snapshot: string | null): string => (snapshot === null ? '-' : snapshot);
const short = (snapshot: string | null): string => (snapshot === null ? 'nothing' : shortId(snapshot));

const FLAG: Record<BranchOutcome['action'], string> = {
  new: '*',
  'fast-forward': ' ',
  'up-to-date': '=',
  ahead: '=',
  behind: '=',
  rejected: '!',
};

/** Frozen: FLAG, branch, from, to, note. */
export function porcelainRows(result: SyncResult): string[] {
  return result.branches.map(({ name, side, action, from, to }) =>
    [FLAG[action], showText(name), id(from), id(to), `${side} ${action}`].join('\t'),
  );
}

export function syncLines(verb: Verb, result: SyncResult): string[] {
  const { remote, dryRun, pushed, pulled } = result;
  const lines = result.branches.flatMap((row) => branchLine(row, remote, dryRun) ?? []);
  for (const { branch, current, target, base } of result.diverged) {
    lines.push(...divergedLines(showText(branch), remote, short(current), short(target), short(base)));
  }
  for (const { message } of result.problems) lines.push(`problem: ${showText(message)}`);
  const moved = [
    pushed.snapshots > 0 && `sent ${plural(pushed.snapshots, 'snapshot')}, ${formatBytes(pushed.bytes)}`,
    pulled.snapshots > 0 && `received ${plural(pulled.snapshots, 'snapshot')}, ${formatBytes(pulled.bytes)}`,
  ].filter((part) => part !== false);
  if (moved.length > 0) lines.push(`${moved.join('; ')} in ${formatDuration(result.durationMs)}`);
  if (lines.length === 0) {
    lines.push(
      result.upToDate
        ? `up to date with ${remote}`
        : `${verb === 'push' ? 'sent' : 'exchanged'} metadata with ${remote}`,
    );
  }
  return lines;
}

function branchLine(
  { name, side, action, from, to }: BranchOutcome,
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

/** The way out that exists today: a new branch for our line, the remote's line under the old name. */
function divergedLines(branch: string, remote: string, current: string, target: string, base: string): string[] {
  return [
    `! ${branch} has diverged from ${remote}/${branch}: here ${current}, there ${target}, common ancestor ${base}`,
    `  nothing was overwritten; keep your line with \`plait branch create NAME --from ${branch}\` and look at theirs with \`plait checkout ${remote}/${branch}\``,
  ];
}
