/** How a merge reads to people: what was joined, what changed, and how to see what was not taken. */
import { showText } from '../../core/paths.ts';
import type { MergeResult } from '../../sync/merge.ts';
import { formatDuration, plural, shortId } from '../format.ts';
import { conflictLines } from './conflicts.ts';

export function* mergeLines(result: MergeResult): Generator<string> {
  yield headline(result);
  if (isNothing(result)) return;
  const { added, modified, deleted, written, durationMs, dryRun, conflicts } = result;
  const done = dryRun ? '' : `; ${plural(written, 'path')} written in ${formatDuration(durationMs)}`;
  yield `  ${added} added, ${modified} changed, ${deleted} deleted${done}`;
  yield* conflictLines(conflicts, { dryRun });
  const restorable = conflicts.find(({ target }) => target !== null);
  if (restorable) yield `  see theirs with \`plait restore ${shortId(restorable.target as string)} PATH --to DIR\``;
  for (const { message } of result.problems) yield `problem: ${showText(message)}`;
}

const isNothing = ({ merged, fastForward, dryRun, parents }: MergeResult): boolean =>
  !merged && !(dryRun && (fastForward || parents.length > 0));

function headline(result: MergeResult): string {
  const { branch, snapshot, fastForward, dryRun, parents, conflicts } = result;
  const name = showText(branch);
  if (isNothing(result)) return `${name} has all of it already: nothing to merge`;
  if (fastForward) return `${name} ${dryRun ? 'would move' : 'moved'} forward to ${shortId(snapshot ?? '')}`;
  const both = `${parents.map(shortId).join(' and ')}`;
  const how = conflicts.length > 0 ? ` with ${plural(conflicts.length, 'conflict')}` : '';
  return dryRun
    ? `would merge ${both} into ${name}${how}`
    : `merged ${both}${how}: ${shortId(snapshot ?? '')} on ${name}`;
}
