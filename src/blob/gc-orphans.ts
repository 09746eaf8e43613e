/**
 * Pack files that the index does not name and no session has marked: left by a crash between a move and the commit of
 * its rows, or between the end of a pack's rows and the removal of its file.
 */
import { statSync } from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import { KIND } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { removeFile } from '../disk/files.ts';
import { blocksOf } from './gc-packs.ts';
import type { PackName, Steps } from './gc-step.ts';
import type { IndexDb } from './index-db.ts';
import { packPath, packsIn, readPackContent, volsetsIn } from './pack-scan.ts';

export interface OrphanOptions {
  index: IndexDb;
  packsDir: string;
  steps: Steps;
  skipped: ReadonlyMap<VolsetId, string>;
}

/** Bytes that they take. */
export async function sweepOrphans(options: OrphanOptions): Promise<number> {
  let bytes = 0;
  for (const name of orphans(options)) {
    bytes += await sweepOne(options, name);
    await tick();
  }
  return bytes;
}

export function* orphans({ index, packsDir, skipped }: OrphanOptions): Generator<PackName> {
  for (const volset of volsetsIn(packsDir)) {
    if (skipped.has(volset)) continue;
    const known = new Set(index.packs(volset).map(({ pack }) => pack));
    for (const pack of packsIn(packsDir, volset)) if (!known.has(pack)) yield { volset, pack };
  }
}

async function sweepOne({ packsDir, steps }: OrphanOptions, name: PackName): Promise<number> {
  return steps.run(name.volset, (step) => {
    if (step.packNumber(name) !== undefined || step.marked.has(name.pack)) return 0;
    const path = packPath(packsDir, name.volset, name.pack);
    const blocks = blocksOf(packsDir, name);
    // A torn one never gets this name: what cannot be read here was damaged later, and is left for people to look at.
    if (!blocks) return 0;
    if (blocks.some(({ kind }) => kind > KIND.snapshot)) {
      // A log that was sealed: small in number, and nowhere else in the packs.
      const { row, rows } = readPackContent(packsDir, name.volset, name.pack);
      step.tx.rows.objects(step.tx.rows.pack(row), rows);
      return 0;
    }
    const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    removeFile(path);
    return bytes;
  });
}
