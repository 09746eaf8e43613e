/** What a phase has done so far, and how that reads. No clock and no stream: the same for every reporter. */
import type { PathKey } from '../../core/paths.ts';
import { showPath, showText } from '../../core/paths.ts';
import type { PhaseTotals } from '../../core/reporter.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../format.ts';
import { Pace } from './pace.ts';

export interface Progress {
  readonly title: string;
  /** Milliseconds, from the reporter's clock. */
  readonly startedAt: number;
  items: number;
  bytes: number;
  totals: PhaseTotals;
  path: PathKey | undefined;
  readonly paces: { items: Pace; bytes: Pace };
}

export const startProgress = (title: string, totals: PhaseTotals | undefined, now: number): Progress => ({
  title,
  startedAt: now,
  items: 0,
  bytes: 0,
  totals: { ...totals },
  path: undefined,
  paces: { items: new Pace(now), bytes: new Pace(now) },
});

export interface Step {
  items?: number;
  bytes?: number;
  totalBytes?: number;
  path?: PathKey;
}

export function advance(progress: Progress, step: Step, now: number): void {
  for (const what of ['items', 'bytes'] as const) {
    const amount = step[what];
    if (!amount) continue;
    progress[what] += amount;
    progress.paces[what].add(amount, now);
  }
  if (step.totalBytes !== undefined) progress.totals.bytes = step.totalBytes;
  if (step.path !== undefined) progress.path = step.path;
}

/** Done share, 0 to 1, by bytes where their total is known, else by items; undefined without a total. */
export function fraction({ items, bytes, totals }: Progress): number | undefined {
  // A total can turn out too small, when files grow while they are read.
  if (totals.bytes) return Math.min(1, bytes / totals.bytes);
  if (totals.items) return Math.min(1, items / totals.items);
  return undefined;
}

/** Milliseconds still to go; undefined without a total, or without a steady pace to judge by. */
export function remaining({ items, bytes, totals, paces }: Progress, now: number): number | undefined {
  if (totals.bytes) return paces.bytes.remaining(totals.bytes - bytes, now);
  return totals.items ? paces.items.remaining(totals.items - items, now) : undefined;
}

/** `checking out 45% 1,204/2,600 12.0 MiB 31.2 MiB/s ETA 4.1 s src/a.c` */
export function describe(progress: Progress, now: number): string {
  const { items, bytes, totals, path, title } = progress;
  const done = fraction(progress);
  const rate = bytes === 0 ? undefined : progress.paces.bytes.rate(now);
  const eta = remaining(progress, now);
  return [
    showText(title),
    done === undefined ? '' : `${Math.floor(done * 100)}%`,
    items === 0 && !totals.items ? '' : formatCount(items) + (totals.items ? `/${formatCount(totals.items)}` : ''),
    bytes === 0 ? '' : formatBytes(bytes),
    rate === undefined ? '' : formatRate(rate),
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
