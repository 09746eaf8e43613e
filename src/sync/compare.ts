/** Differences between two trees, or between a tree and the working directory, as the documents show them. */
import { isOnlyDirTime } from '../core/directory-time.ts';
import type { Change } from '../core/entry.ts';
import { isWithin, type PathKey } from '../core/paths.ts';
import { letterOf, type ShownChange, shownChange } from '../core/shown-change.ts';
import { currentVolset, type Engine, type Outcome, outcome, requireVolume, rootHere } from './engine.ts';
import { tryHoldVolume } from './hold-volume.ts';
import { resolveReference } from './references.ts';
import { compareWithBase } from './working-tree.ts';

export type DiffRow = ShownChange;

export interface DiffResult {
  added: DiffRow[];
  modified: DiffRow[];
  deleted: DiffRow[];
  typeChanged: DiffRow[];
}

export const emptyDiff = (): DiffResult => ({ added: [], modified: [], deleted: [], typeChanged: [] });

const LISTS = { A: 'added', M: 'modified', D: 'deleted', T: 'typeChanged' } as const;

export function addChange(to: DiffResult, change: Change): void {
  to[LISTS[letterOf(change)]].push(shownChange(change));
}

export interface DiffOptions {
  a?: string;
  b?: string;
  paths: PathKey[];
  exitCode: boolean;
}

/** No reference: base against working directory. One: that against the working directory. Two: the first to the second. */
export async function diff(engine: Engine, options: DiffOptions): Promise<Outcome<DiffResult>> {
  const changes = options.b === undefined ? workingChanges(engine, options.a) : refChanges(engine, options);
  const result = emptyDiff();
  let any = false;
  for await (const change of changes) {
    if (isOnlyDirTime(change)) continue;
    if (options.paths.length > 0 && !options.paths.some((path) => isWithin(change.path, path))) continue;
    addChange(result, change);
    any = true;
  }
  return outcome(result, options.exitCode && any && 7);
}

function refChanges(engine: Engine, { a, b }: DiffOptions): Iterable<Change> {
  const volset = currentVolset(engine).id;
  const root = (ref: string) => rootHere(engine, volset, resolveReference(engine, volset, ref).snapshot);
  return engine.manifest.diff(engine.blob.reader(volset), root(a as string), root(b as string));
}

async function* workingChanges(engine: Engine, ref: string | undefined): AsyncGenerator<Change> {
  const volume = requireVolume(engine);
  using held = await tryHoldVolume(engine, volume);
  const { volset, baseRoot } = volume.state;
  await using writer = engine.blob.writer(volset, { signal: engine.signal, dryRun: true });
  const { changes, reader } = compareWithBase(engine, volume, writer, { looksOnly: !held });
  const from = ref === undefined ? baseRoot : rootHere(engine, volset, resolveReference(engine, volset, ref).snapshot);
  if (from === baseRoot || from === null || baseRoot === null) yield* changes;
  else yield* compose(engine.manifest.diff(reader, from, baseRoot), changes);
}

/** a -> b and b -> c, both in path order, make a -> c: where both name a path, the middle drops out. */
async function* compose(first: Iterable<Change>, second: AsyncIterable<Change>): AsyncGenerator<Change> {
  const left = first[Symbol.iterator]();
  let mine = left.next();
  for await (const theirs of second) {
    while (!mine.done && mine.value.path < theirs.path) {
      yield mine.value;
      mine = left.next();
    }
    if (!mine.done && mine.value.path === theirs.path) {
      const joined = { path: theirs.path, before: mine.value.before, after: theirs.after };
      mine = left.next();
      if (joined.before || joined.after) yield joined;
    } else yield theirs;
  }
  for (; !mine.done; mine = left.next()) yield mine.value;
}
