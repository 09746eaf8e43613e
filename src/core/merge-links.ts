/**
 * Hard-link groups of a merged tree. Two paths are one file in the result if both sides say so, or the one that changed
 * its mind does; members that the merge made differ are parted, and a group of one is none. They have one time, the
 * latest. Groups are named by their first member, so the names of either side say nothing about the result's and are
 * worked out anew.
 */
import type { Entry } from './entry.ts';
import { encodeEntry } from './entry-codec.ts';
import { hex } from './hash.ts';
import type { PathKey } from './paths.ts';
import type { MergeStep } from './tree-merge.ts';

/** All entries of each tree, or at least those with a link group, in path order. */
export interface LinkTrees {
  bases: (() => Iterable<Entry>)[];
  ours: () => Iterable<Entry>;
  theirs: () => Iterable<Entry>;
}

type Groups = ReadonlyMap<PathKey, PathKey>;

/** A path that is linked on one side at least. */
interface Member {
  path: PathKey;
  /** What it is in the result, but for group and time; two that are alike can be one file. Absent: it is not there. */
  facts?: string;
  mtime: bigint;
  /** Does that side have it, and a say about it? */
  inOurs: boolean;
  inTheirs: boolean;
}

interface Group {
  first: Member;
  /** Undefined until there is a second. */
  name?: PathKey;
  mtime: bigint;
}

/** Entries of one file that a scan took at two names may differ by as much as setting a time is inexact: 1 µs. */
const NEAR = 1000n;

/** The same steps with the result's groups, and further ones for paths on which only the group changes. */
export function* mergeLinks(trees: LinkTrees, steps: () => Iterable<MergeStep>): Generator<MergeStep> {
  const sides = { ours: groupsOf(trees.ours()), theirs: groupsOf(trees.theirs()) };
  const members = new Map<PathKey, Member>();
  for (const entry of trees.ours()) {
    if (entry.linkGroup === undefined) continue;
    const { path, mtime } = entry;
    members.set(path, { path, facts: factsOf(entry), mtime, inOurs: true, inTheirs: true });
  }
  for (const path of sides.theirs.keys()) {
    if (!members.has(path)) members.set(path, { path, mtime: 0n, inOurs: true, inTheirs: true });
  }
  for (const { row, after, conflict } of steps()) {
    const member = members.get(row.path);
    if (member === undefined) continue;
    member.facts = after && factsOf(after);
    member.mtime = after?.mtime ?? 0n;
    // Where a conflict was decided the other side has no say about links either.
    member.inOurs = row.ours !== undefined && conflict?.chosen !== 'theirs';
    member.inTheirs = row.theirs !== undefined && conflict?.chosen !== 'ours';
  }
  const groups = new Namer(
    sides.ours,
    sides.theirs,
    trees.bases.map((base) => groupsOf(base())),
  ).name(members);
  yield* withGroups(trees.ours(), steps(), groups);
}

function groupsOf(entries: Iterable<Entry>): Groups {
  const groups = new Map<PathKey, PathKey>();
  for (const { path, linkGroup } of entries) if (linkGroup !== undefined) groups.set(path, linkGroup);
  return groups;
}

const factsOf = (entry: Entry): string => hex(encodeEntry({ ...inGroup(entry, undefined), mtime: 0n }));

function inGroup(entry: Entry, group: PathKey | undefined): Entry {
  if (entry.linkGroup === group) return entry;
  const { linkGroup: _, ...rest } = entry;
  return group === undefined ? rest : { ...rest, linkGroup: group };
}

/** The entry as a member of its group, which may be the very one that was given. */
function memberOf(entry: Entry, group: Group | undefined): Entry {
  const placed = inGroup(entry, group?.name);
  if (group?.name === undefined || group.mtime - entry.mtime <= NEAR) return placed;
  return { ...placed, mtime: group.mtime };
}

class Namer {
  readonly #ours: Groups;
  readonly #theirs: Groups;
  readonly #bases: readonly Groups[];

  constructor(ours: Groups, theirs: Groups, bases: readonly Groups[]) {
    this.#ours = ours;
    this.#theirs = theirs;
    this.#bases = bases;
  }

  /** The group of each member in the result, undefined where it is not there. */
  name(members: ReadonlyMap<PathKey, Member>): Map<PathKey, Group | undefined> {
    const groupOf = new Map<PathKey, Group | undefined>();
    /** Groups of the result by a group of one side that a member of theirs is in. */
    const near = { ours: new Map<PathKey, Set<Group>>(), theirs: new Map<PathKey, Set<Group>>() };
    const paths = [...members.keys()].sort();
    for (const path of paths) {
      const member = members.get(path) as Member;
      groupOf.set(path, undefined);
      if (member.facts === undefined) continue;
      const places = [placeIn(near.ours, this.#ours.get(path)), placeIn(near.theirs, this.#theirs.get(path))];
      const found = [...new Set(places.flatMap((place) => [...place]))]
        .filter(({ first }) => first.facts === member.facts && this.#linked(first, member))
        .reduce<Group | undefined>(
          (best, group) => (best && best.first.path < group.first.path ? best : group),
          undefined,
        );
      if (found) found.name = found.first.path;
      const group = found ?? { first: member, mtime: member.mtime };
      if (member.mtime > group.mtime) group.mtime = member.mtime;
      for (const place of places) place.add(group);
      groupOf.set(path, group);
    }
    return groupOf;
  }

  /** A side that lacks one of the two has no say. */
  #linked(a: Member, b: Member): boolean {
    const ours = isLinked(this.#ours, a, b);
    const theirs = isLinked(this.#theirs, a, b);
    if (!a.inOurs || !b.inOurs) return theirs;
    if (!a.inTheirs || !b.inTheirs || ours === theirs) return ours;
    // One side has changed its mind, unless the bases disagree.
    return this.#bases.every((base) => !isLinked(base, a, b));
  }
}

const isLinked = (groups: Groups, a: Member, b: Member): boolean =>
  groups.has(a.path) && groups.get(a.path) === groups.get(b.path);

function placeIn(near: Map<PathKey, Set<Group>>, group: PathKey | undefined): Set<Group> {
  const place = (group !== undefined && near.get(group)) || new Set<Group>();
  if (group !== undefined) near.set(group, place);
  return place;
}

function* withGroups(
  ours: Iterable<Entry>,
  steps: Iterable<MergeStep>,
  groups: ReadonlyMap<PathKey, Group | undefined>,
): Generator<MergeStep> {
  const moved = regrouped(ours, groups);
  let next = moved.next();
  for (const step of steps) {
    const { path } = step.row;
    for (; !next.done && next.value.row.path < path; next = moved.next()) yield next.value;
    if (!next.done && next.value.row.path === path) next = moved.next();
    yield groups.has(path) && step.after ? { ...step, after: memberOf(step.after, groups.get(path)) } : step;
  }
  for (; !next.done; next = moved.next()) yield next.value;
}

/** Entries of ours whose group, or its time, is another now, whatever else becomes of them. */
function* regrouped(
  ours: Iterable<Entry>,
  groups: ReadonlyMap<PathKey, Group | undefined>,
): Generator<MergeStep, undefined> {
  for (const entry of ours) {
    const { path, linkGroup } = entry;
    if (linkGroup === undefined) continue;
    const after = memberOf(entry, groups.get(path));
    if (after !== entry) yield { row: { path, bases: [], ours: entry, theirs: entry }, after };
  }
  return undefined;
}
