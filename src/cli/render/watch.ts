/** How `watch`, `hold` and `release` read to people. */
import { showText } from '../../core/paths.ts';
import type { HoldResult } from '../../sync/hold.ts';
import type { WatchEvent } from '../../sync/watch/events.ts';
import { formatBytes, formatDuration, plural, shortId } from '../format.ts';

/** One line; a hint follows behind a semicolon. */
export function watchLine(event: WatchEvent): string {
  switch (event.event) {
    case 'watching':
      return `watching ${showText(event.dir)}${event.pushTo === null ? '' : `, pushing to ${showText(event.pushTo)}`}`;
    case 'changed':
      return `changed: ${showText(event.path ?? '.')}`;
    case 'held':
      return heldLine(event);
    case 'waiting':
      return `waiting: ${showText(event.reason.message)}; tried again in ${formatDuration(event.retryInMs)}`;
    case 'snapshot':
      return snapshotLine(event);
    case 'pushed':
      return `pushed to ${showText(event.remote)}: ${plural(event.snapshots, 'snapshot')}, ${formatBytes(event.bytes)} in ${formatDuration(event.durationMs)}`;
    case 'push-failed':
      return `problem: push to ${showText(event.remote)}: ${withHint(event)}; ${event.queued} queued, tried again in ${formatDuration(event.retryInMs)}`;
    case 'problem':
      return `problem: ${withHint(event)}`;
  }
}

const withHint = ({ message, hint }: { message: string; hint?: string }): string =>
  hint === undefined ? showText(message) : `${showText(message)}; ${showText(hint)}`;

function heldLine({ by, until, lockFile }: Extract<WatchEvent, { event: 'held' }>): string {
  if (by === 'lock-file') return `held: ${showText(lockFile ?? '')} is there`;
  return `held by an application${until === null ? '' : `, until ${until} at the latest`}`;
}

function snapshotLine(event: Extract<WatchEvent, { event: 'snapshot' }>): string {
  const { snapshot, branch, changed, deleted, addedBytes, durationMs } = event;
  return `snapshot ${shortId(snapshot)} on ${showText(branch ?? '')}: ${event.new} new, ${changed} changed, ${deleted} deleted; added ${formatBytes(addedBytes)} in ${formatDuration(durationMs)}`;
}

export function holdLines({ dir, holds, until, expired }: HoldResult): string[] {
  const lines = expired
    ? ['! this hold had ended by itself before: there may be a snapshot of what was being written meanwhile']
    : [];
  if (holds === 0) return [...lines, `${showText(dir)} is free`];
  return [...lines, `${showText(dir)} is held (${plural(holds, 'hold')}), until ${until} at the latest`];
}
