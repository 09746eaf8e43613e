/** How the queue reads to people: the first rows of each remote, and how many there are. */
import { showText } from '../../core/paths.ts';
import type { QueueRow, RemoteQueue } from '../../sync/queue.ts';
import type { EnqueuedResult } from '../../sync/results.ts';
import { formatTable, formatTime, plural, shortId } from '../format.ts';

const SHOWN = 20;

export function* queueLines({ remotes }: { remotes: RemoteQueue[] }): Generator<string> {
  if (remotes.length === 0) yield 'no remote is known here';
  for (const remote of remotes) yield* remoteLines(remote);
}

function* remoteLines({ name, entries, dead, more }: RemoteQueue): Generator<string> {
  if (entries.length + dead.length === 0) {
    yield `${name}: nothing waits`;
    return;
  }
  if (entries.length > 0) {
    yield `${name}: ${plural(entries.length, 'snapshot')} ${entries.length === 1 ? 'waits' : 'wait'} to be pushed`;
    yield* table(entries);
  }
  if (dead.length > 0) {
    yield `${name}: ${plural(dead.length, 'snapshot')} ${dead.length === 1 ? 'was' : 'were'} refused: \`plait queue retry ${name}\` or \`plait queue drop ${name}\``;
    yield* table(dead);
  }
  if (more > 0) yield `  and ${plural(more, 'more', 'more')}`;
}

function* table(rows: QueueRow[]): Generator<string> {
  const shown = rows
    .slice(0, SHOWN)
    .map((row) => [
      shortId(row.snapshot),
      showText(row.volset ?? row.volsetId),
      row.priority,
      row.attempts === 0 ? '' : plural(row.attempts, 'try', 'tries'),
      row.notBefore === null ? '' : `not before ${formatTime(Date.parse(row.notBefore))}`,
      row.error === null ? '' : showText(row.error.message),
    ]);
  for (const line of formatTable(['snapshot', 'volset', 'priority', 'tried', 'next', 'why'], shown)) yield `  ${line}`;
  if (rows.length > SHOWN) yield `  and ${plural(rows.length - SHOWN, 'more', 'more')} (all with --json)`;
}

export function enqueuedLines(result: EnqueuedResult, named: boolean): string[] {
  const { remote, queued, waiting, dead, dryRun } = result;
  const before = named ? `${showText(result.volset ?? result.volsetId)}: ` : '';
  const what = queued === 0 ? 'nothing new' : plural(queued, 'snapshot');
  const all = waiting > 0 ? `; ${waiting} ${waiting === 1 ? 'waits' : 'wait'} for the next push or sync` : '';
  const refused = dead > 0 ? `; ${dead} ${dead === 1 ? 'was' : 'were'} refused: see \`plait queue list\`` : '';
  return [`${before}${what} ${dryRun ? 'would be queued' : 'queued'} for ${remote}${all}${refused}`];
}
