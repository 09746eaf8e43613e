/**
 * Manifest of a snapshot: a search tree over paths whose nodes end where the keys say, so that equal trees have equal
 * ids. Pure functions over NodeSource and NodeSink; memory is one node a level. format.ts holds what ids depend on.
 */
import { build, patch, patchAsync } from './build.ts';
import { check, checkSteps } from './check.ts';
import type { Manifest } from './contract.ts';
import { diff } from './diff.ts';
import { buildList, extents, extentsFrom } from './list.ts';
import { reachable } from './reachable.ts';
import { encodedEntries, entries, find, finder, totals } from './read.ts';
import { children, walk } from './walk.ts';

export const manifest: Manifest = {
  build,
  patch,
  patchAsync,
  totals,
  find,
  finder,
  entries,
  children,
  walk,
  encodedEntries,
  diff,
  buildList,
  extents,
  extentsFrom,
  reachable,
  check,
  checkSteps,
};
