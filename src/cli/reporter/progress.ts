/** What a phase has done so far, and how that reads. No clock and no stream: the same for every reporter. */
import type { PathKey } from '../../core/paths.ts';
import { showPath, showText } from '../../core/paths.ts';
import type { PhaseTotals } from '../../core/reporter.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../format.ts';

export interface Progress {
  readonly title: string;
  /** Milliseconds, from the reporter's clock. */
  readonly startedAt: number;
  items: number;
  bytes: number;
  totals: PhaseTotals;
  path: PathKey | undefined;
}

export const startProgress = (title: string, totals: PhaseTotals | undefined, now: number): Progress => ({
  title,
  startedAt: now,
  items: 0,
  bytes: 0,
  totals: { ...totals },
  path: undefined,
});

export interface Step {
  items?: number;
  bytes?: number;
  path?: PathKey;
}

export function advance(progress: Progress, step: Step): void {
  progress.items += step.items ?? 0;
  progress.bytes += step.bytes ?? 0;
  if (step.path !== undefined) progress.path = step.path;
}

/** Done share, 0 to 1, by bytes where their total is known, else by items; undefined without a total. */
export function fraction({ items, bytes, totals }: Progress): number | undefined {
  // A total can turn out too small, when files grow while they are read.
  if (totals.bytes) return Math.min(1, bytes / totals.bytes);
  if (totals.items) return Math.min(1, items / totals.items);
  return undefined;
}

/** Milliseconds still to go at the pace so far; undefined until there is a pace. */
export function remaining(progress: Progress, now: number): number | undefined {
  const done = fraction(progress);
  const elapsed = now - progress.startedAt;
  if (done === undefined || done < 0.01 || elapsed < 1000) return undefined;
  return (elapsed * (1 - done)) / done;
}

/** `checking out 45% 1,204/2,600 12.0 MiB 31.2 MiB/s ETA 4.1 s src/a.c` */
export function describe(progress: Progress, now: number): string {
  const { items, bytes, totals, path, title } = progress;
  const done = fraction(progress);
  const elapsed = now - progress.startedAt;
  const eta = remaining(progress, now);
  return [
    showText(title),
    done === undefined ? '' : `${Math.floor(done * 100)}%`,
    items === 0 && !totals.items ? '' : formatCount(items) + (totals.items ? `/${formatCount(totals.items)}` : ''),
    bytes === 0 ? '' : formatBytes(bytes),
    bytes === 0 || elapsed < 1000 ? '' : formatRate((bytes * 1000) / elapsed),
    eta === undefined ? '' : `ETA ${formatDuration(eta)}`,
    path === undefined ? '' : showPath(path),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** The line that stays when a phase is over. */
export function describeEnd(progress: Progress, summary: string | undefined, now: number): string {
  if (summary !== undefined) return showText(summary);
  const { items, bytes, title } = progress;
  const amounts = [items ? formatCount(items) : '', bytes ? formatBytes(bytes) : ''].filter((part) => part !== '');
  return `${showText(title)}: ${[...amounts, formatDuration(now - progress.startedAt)].join(', ')}`;
}
