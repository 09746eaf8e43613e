/**
 * Three-way decision about one path. Field by field where both sides hold the same kind of entry, else as a whole. The
 * time of last modification never conflicts and is never a reason: a file that one side touched may go.
 */
import type { Entry } from './entry.ts';
import type { PathKey } from './paths.ts';

export type Side = 'ours' | 'theirs';

/** One path on which the two sides differ. `bases` has one item for each common ancestor, undefined where it lacks the path. */
export interface MergeRow {
  path: PathKey;
  bases: readonly (Entry | undefined)[];
  ours?: Entry;
  theirs?: Entry;
}

export const CONFLICT: unique symbol = Symbol('conflict');
const NONE: unique symbol = Symbol('none');

const latin1 = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).latin1Slice();

/** What a file or link holds, comparable. */
function heldBy({ content, size, target }: Entry): string | undefined {
  if (content === undefined) return latin1(target);
  return 'list' in content ? `list ${content.list}` : `${size} ${latin1(content.extents)}`;
}

const FIELDS: {
  read: (entry: Entry) => unknown;
  copy: (from: Entry) => Partial<Entry>;
}[] = [
  { read: heldBy, copy: ({ size, content, target }) => ({ size, content, target }) },
  { read: ({ mode }) => mode, copy: ({ mode }) => ({ mode }) },
  { read: ({ uid }) => uid, copy: ({ uid }) => ({ uid }) },
  { read: ({ gid }) => gid, copy: ({ gid }) => ({ gid }) },
  { read: ({ extra }) => latin1(extra), copy: ({ extra }) => ({ extra }) },
];

/** Equal but for the path, the time and the link group, which follows from the whole tree. */
export function isAlike(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.kind === b.kind && FIELDS.every(({ read }) => read(a) === read(b));
}

/**
 * What the path becomes (undefined: it goes), or CONFLICT where both sides changed one thing in two ways. With several
 * bases a decision stands only if each of them leads to it. Folders above and entries below are not looked at.
 */
export function decide({ path, bases, ours, theirs }: MergeRow): Entry | undefined | typeof CONFLICT {
  // Most paths are one side's alone: the very entry of the base stands on the other.
  if (bases.every((base) => base === theirs)) return ours;
  if (bases.every((base) => base === ours)) return theirs;
  if (ours === undefined || theirs === undefined || ours.kind !== theirs.kind) {
    const side = agreed(bases.map((base) => (isAlike(base, theirs) ? 'ours' : isAlike(base, ours) && 'theirs')));
    return side === undefined ? CONFLICT : side === 'ours' ? ours : theirs;
  }
  const merged: Entry = { ...ours, path, mtime: mergedTime(bases, ours, theirs) };
  for (const { read, copy } of FIELDS) {
    const side = sideOf(
      bases.map((base) => (base?.kind === ours.kind ? read(base) : NONE)),
      read(ours),
      read(theirs),
    );
    if (side === undefined) return CONFLICT;
    if (side === 'theirs') Object.assign(merged, copy(theirs));
  }
  return merged;
}

/** Whose value stands; undefined where both changed it, or where the bases disagree. */
export function sideOf<T>(bases: readonly T[], ours: T, theirs: T): Side | undefined {
  if (ours === theirs) return 'ours';
  return agreed(bases.map((base) => (base === theirs ? 'ours' : base === ours && 'theirs')));
}

const agreed = (sides: readonly (Side | false)[]): Side | undefined =>
  sides.every((side) => side === sides[0]) ? sides[0] || undefined : undefined;

type Timed = Pick<Entry, 'mtime'>;

/** The time of the side that changed it; of both, or where that is not clear, the later one. */
export function mergedTime(bases: readonly (Timed | undefined)[], ours: Timed, theirs: Timed): bigint {
  const [a, b] = [ours.mtime, theirs.mtime];
  const side = sideOf(
    bases.map((base) => base?.mtime),
    a,
    b,
  );
  return side === 'ours' || (side === undefined && a > b) ? a : b;
}
