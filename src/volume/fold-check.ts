/** Names that a case-folding or normalising file system takes for one: refused before anything is written there. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { foldName } from '../core/names.ts';
import { baseName, type PathKey, parentKey, ROOT, showPath } from '../core/paths.ts';
import { removeFile, stampFile } from '../disk/files.ts';

/** True where the file system below `dir` finds a file by another case of its name. */
export function foldsNames(dir: string): boolean {
  const probe = join(dir, 'fold-probe');
  stampFile(probe);
  try {
    return lstatSync(join(dir, 'FOLD-PROBE'), { throwIfNoEntry: false }) !== undefined;
  } finally {
    removeFile(probe);
  }
}

/** Paths whose names fold onto a sibling's. `paths` in path order. */
export function foldingPaths(paths: Iterable<PathKey>): PathKey[] {
  const found: PathKey[] = [];
  /** Names of the directories that the current path lies in. */
  const open: { dir: PathKey; names: Set<string> }[] = [{ dir: ROOT, names: new Set() }];
  for (const path of paths) {
    const parent = parentKey(path);
    while (open.length > 1 && open[open.length - 1].dir !== parent) {
      if (parent.startsWith(`${open[open.length - 1].dir}\0`)) break;
      open.pop();
    }
    if (open[open.length - 1].dir !== parent) open.push({ dir: parent, names: new Set() });
    const { names } = open[open.length - 1];
    const folded = foldName(baseName(path));
    if (names.has(folded)) found.push(path);
    names.add(folded);
  }
  return found;
}

export function refuseFolding(paths: Iterable<PathKey>): void {
  const found = foldingPaths(paths);
  if (found.length === 0) return;
  const shown = found.slice(0, 5).map(showPath).join(', ');
  throw new PlaitError('exists', `this file system takes ${found.length} names for others beside them: ${shown}`, {
    hint: 'check out onto a file system that tells names apart by case',
  });
}
