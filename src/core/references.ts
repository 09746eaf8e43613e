/**
 * REF and OBJECT of the command line (docs/cli.md, "References"), as pure functions over a small look-up. A REF is
 * looked up as branch, `REMOTE/BRANCH`, snapshot name, id prefix; the first kind that has a hit decides, and two hits
 * of that kind are ambiguous. A full id of 64 digits is always that snapshot, whatever names a peer has chosen.
 */
import { PlaitError } from './errors.ts';
import { type BranchId, isSnapshotId, type SnapshotId } from './ids.ts';
import { showText } from './paths.ts';

export interface ParsedRef {
  kind: 'any' | 'branch' | 'snapshot' | 'volset';
  /** Without prefix and `~N`. */
  name: string;
  /** Steps back along first parents. */
  back: number;
}

export type ParsedObject =
  | { object: 'volset'; name?: string }
  | { object: 'branch'; name: string }
  | { object: 'snapshot'; ref: ParsedRef };

export interface RefLookup {
  /** Shown names are unique. */
  branches(): Iterable<{ id: BranchId; name: string; tip: SnapshotId | null }>;
  /** The tip as last fetched; undefined when there is no such remote or branch. */
  remoteBranch(remote: string, branch: string): { tip: SnapshotId | null } | undefined;
  snapshotsByName(name: string): SnapshotId[];
  snapshotsByPrefix(prefix: string, limit: number): SnapshotId[];
  /** Parents of each that is known. */
  parentsOf(ids: SnapshotId[]): Record<SnapshotId, SnapshotId[]>;
}

export interface ResolvedRef {
  snapshot: SnapshotId;
  /** How it was found. */
  via: 'branch' | 'remote-branch' | 'name' | 'id';
  /** Only where the REF was exactly a local branch, without `~N`. */
  branch?: { id: BranchId; name: string };
}

export const MIN_PREFIX = 7;
const PREFIX = /^[0-9a-f]{7,64}$/;
const CANDIDATES = 20;

const usage = (message: string): PlaitError =>
  new PlaitError('usage', message, {
    hint: 'REF is a branch, REMOTE/BRANCH, a snapshot name or an id prefix of 7 or more digits, each with ~N',
  });

export function parseRef(text: string): ParsedRef {
  const back = /^(.*)~([0-9]*)$/s.exec(text);
  if (text.includes('~') && (!back || back[2].length === 0 || back[2].length > 9 || back[1].includes('~'))) {
    throw usage(`${quoted(text)} is not a reference: ~ is followed by a number and ends it`);
  }
  const named = back ? back[1] : text;
  const typed = /^(branch|snapshot|volset):(.*)$/s.exec(named);
  const name = typed ? typed[2] : named;
  if (name === '') throw usage(`${quoted(text)} is not a reference: nothing is named`);
  return { kind: typed ? (typed[1] as ParsedRef['kind']) : 'any', name, back: back ? Number(back[2]) : 0 };
}

/** OBJECT: absent or `volset` = the volume set, `volset:X`, `branch:X`, `snapshot:REF`. */
export function parseObject(text: string | undefined): ParsedObject {
  if (text === undefined || text === 'volset') return { object: 'volset' };
  const typed = /^(branch|snapshot|volset):(.+)$/s.exec(text);
  if (!typed) {
    throw new PlaitError('usage', `${quoted(text)} is not an object`, {
      hint: 'write branch:NAME, snapshot:REF or volset',
    });
  }
  const [, kind, name] = typed;
  if (kind === 'volset') return { object: 'volset', name };
  if (kind === 'branch') return { object: 'branch', name };
  const ref = parseRef(name);
  // The outer prefix has said what is meant; the inner REF may still name it through a branch.
  return { object: 'snapshot', ref };
}

/** Throws `usage`, `ambiguous-reference` (data.candidates) or `not-found` (data.suggestions). */
export function resolveRef(ref: string | ParsedRef, lookup: RefLookup): ResolvedRef {
  const parsed = typeof ref === 'string' ? parseRef(ref) : ref;
  if (parsed.kind === 'volset') throw usage(`volset:${parsed.name} names a volume set, not a snapshot`);
  const found = findStart(parsed, lookup);
  if (!found) throw notFound(parsed, lookup);
  if (parsed.back === 0) return found;
  return { snapshot: stepBack(found.snapshot, parsed, lookup), via: found.via };
}

function findStart(ref: ParsedRef, lookup: RefLookup): ResolvedRef | undefined {
  const { kind, name } = ref;
  if (kind === 'branch') return findBranch(name, lookup);
  const full = isSnapshotId(name) ? findPrefix(name, lookup) : undefined;
  if (full) return full;
  const local = kind === 'any' ? (findBranch(name, lookup) ?? findRemoteBranch(name, lookup)) : undefined;
  return local ?? findNamed(name, lookup) ?? findPrefix(name, lookup);
}

function findBranch(name: string, lookup: RefLookup): ResolvedRef | undefined {
  for (const branch of lookup.branches()) {
    if (branch.name !== name) continue;
    return { snapshot: tipOf(name, branch.tip), via: 'branch', branch: { id: branch.id, name: branch.name } };
  }
  return undefined;
}

function findRemoteBranch(name: string, lookup: RefLookup): ResolvedRef | undefined {
  const slash = name.indexOf('/');
  if (slash <= 0) return undefined;
  const found = lookup.remoteBranch(name.slice(0, slash), name.slice(slash + 1));
  return found && { snapshot: tipOf(name, found.tip), via: 'remote-branch' };
}

function tipOf(name: string, tip: SnapshotId | null): SnapshotId {
  if (tip !== null) return tip;
  throw new PlaitError('not-found', `branch ${quoted(name)} has no snapshot yet`, {
    hint: 'make one with `plait snapshot`',
  });
}

function findNamed(name: string, lookup: RefLookup): ResolvedRef | undefined {
  return only(name, lookup.snapshotsByName(name), 'name');
}

function findPrefix(name: string, lookup: RefLookup): ResolvedRef | undefined {
  const prefix = name.toLowerCase();
  return PREFIX.test(prefix) ? only(name, lookup.snapshotsByPrefix(prefix, CANDIDATES), 'id') : undefined;
}

function only(name: string, hits: SnapshotId[], via: 'name' | 'id'): ResolvedRef | undefined {
  if (hits.length <= 1) return hits.length === 1 ? { snapshot: hits[0], via } : undefined;
  const candidates = hits.slice(0, CANDIDATES);
  throw new PlaitError('ambiguous-reference', `${quoted(name)} could be any of ${hits.length} snapshots`, {
    hint: `name one by its id: ${candidates.slice(0, 3).join(', ')}${hits.length > 3 ? ', …' : ''}`,
    data: { reference: name, candidates },
  });
}

function stepBack(start: SnapshotId, ref: ParsedRef, lookup: RefLookup): SnapshotId {
  let at = start;
  for (let step = 0; step < ref.back; step++) {
    const parents = lookup.parentsOf([at])[at] ?? [];
    if (parents.length === 0) {
      throw new PlaitError('not-found', `${quoted(ref.name)} has only ${step} snapshots before it, not ${ref.back}`, {
        hint: 'see `plait log`',
        data: { reference: ref.name, steps: step },
      });
    }
    at = parents[0];
  }
  return at;
}

function notFound(ref: ParsedRef, lookup: RefLookup): PlaitError {
  const suggestions = ref.kind === 'snapshot' ? [] : closeNames(ref.name, lookup);
  const short = /^[0-9a-f]{1,6}$/i.test(ref.name);
  const hint =
    suggestions.length > 0
      ? `did you mean ${suggestions.map(quoted).join(' or ')}?`
      : short
        ? `an id needs at least ${MIN_PREFIX} digits; see \`plait log\``
        : 'see `plait branch list` and `plait log`';
  const what = ref.kind === 'any' ? 'branch or snapshot' : ref.kind;
  return new PlaitError('not-found', `there is no ${what} ${quoted(ref.name)}`, {
    hint,
    data: { reference: ref.name, suggestions },
  });
}

/** At most 3 branch names near to what was typed, nearest first. */
function closeNames(name: string, lookup: RefLookup): string[] {
  const wanted = name.slice(0, 64).toLowerCase();
  const near: { name: string; distance: number }[] = [];
  for (const branch of lookup.branches()) {
    const other = branch.name.slice(0, 64).toLowerCase();
    const within = wanted.length >= 3 && (other.startsWith(wanted) || wanted.startsWith(other)) ? 1 : 3;
    const distance = Math.min(within, editDistance(wanted, other));
    if (distance <= Math.min(2, Math.ceil(wanted.length / 3))) near.push({ name: branch.name, distance });
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near.slice(0, 3).map((n) => n.name);
}

/** Insertions, deletions and replacements between two short texts. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

const quoted = (text: string): string => {
  const shown = showText(text);
  return shown.startsWith('"') ? shown : `"${shown}"`;
};
