/**
 * Which snapshots of a line a retention keeps: a snapshot stays where any rule keeps it, on any line. Days, weeks (from
 * Monday) and months are those of UTC, by what a snapshot itself says of when it was made; what comes first is decided by
 * history, so that a clock that went wrong makes a wrong day at most.
 */
import type { SnapshotId } from './ids.ts';

export interface Retention {
  /** Of each line its newest N. */
  last?: number | undefined;
  /** The newest of each of the last N days, weeks or months that have any. */
  daily?: number | undefined;
  weekly?: number | undefined;
  monthly?: number | undefined;
  /** Milliseconds: made since then. */
  within?: number | undefined;
  /** Values of the attribute `tag`. */
  tags?: readonly string[] | undefined;
}

export interface Aged {
  id: SnapshotId;
  /** Milliseconds since the epoch. */
  created: number;
  tag: string | null;
}

export const isRetention = ({ last, daily, weekly, monthly, within, tags }: Retention): boolean =>
  [last, daily, weekly, monthly, within].some((rule) => rule !== undefined) || (tags?.length ?? 0) > 0;

/**
 * @param lines of each branch its history, newest first
 * @param loose on no branch: kept by age and tag only
 * @param now milliseconds since the epoch
 */
export function keptBy(
  { lines, loose = [] }: { lines: Iterable<Iterable<Aged>>; loose?: Iterable<Aged> },
  rules: Retention,
  now: number,
): Set<SnapshotId> {
  const kept = new Set<SnapshotId>();
  for (const line of lines) {
    const counted = countersOf(rules);
    for (const snapshot of line) {
      // Each rule counts for itself: what one keeps uses up a place of the others as well.
      const byCount = counted.map((takes) => takes(snapshot)).some(Boolean);
      if (byCount || isKeptAlone(snapshot, rules, now)) kept.add(snapshot.id);
    }
  }
  for (const snapshot of loose) if (isKeptAlone(snapshot, rules, now)) kept.add(snapshot.id);
  return kept;
}

function isKeptAlone({ created, tag }: Aged, { within, tags }: Retention, now: number): boolean {
  if (within !== undefined && created > now - within) return true;
  return tag !== null && (tags ?? []).includes(tag);
}

type Counter = (snapshot: Aged) => boolean;

const countersOf = ({ last, daily, weekly, monthly }: Retention): Counter[] => [
  ...counter(last, ({ id }) => id),
  ...counter(daily, ({ created }) => dayOf(created)),
  ...counter(weekly, ({ created }) => weekOf(created)),
  ...counter(monthly, ({ created }) => monthOf(created)),
];

/** Takes the first of each of `count` groups. */
function counter(count: number | undefined, groupOf: (snapshot: Aged) => string | number): Counter[] {
  if (count === undefined) return [];
  const seen = new Set<string | number>();
  return [
    (snapshot) => {
      const group = groupOf(snapshot);
      if (seen.has(group) || seen.size >= count) return false;
      seen.add(group);
      return true;
    },
  ];
}

const DAY_MS = 86_400_000;

const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
/** 1970-01-01 was a Thursday. */
const weekOf = (ms: number): number => Math.floor((dayOf(ms) + 3) / 7);

function monthOf(ms: number): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}
