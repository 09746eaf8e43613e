/** Packs that sessions, running or resumable, have placed and not committed: nobody else touches them. */
import { join } from 'node:path';
import { sessionsIn } from './session.ts';
import { movedIn } from './session-files.ts';

/** Names of packs. Asked under the index's lock: packs move to their place under it, each marked before. */
export function markedPacks(storeDir: string, except?: string): Set<string> {
  const marked = new Set<string>();
  for (const parent of ['tmp', 'quarantine'].map((name) => join(storeDir, name))) {
    for (const id of sessionsIn(parent)) {
      const dir = join(parent, id);
      if (dir === except) continue;
      for (const pack of markersOf(dir)) marked.add(pack);
    }
  }
  return marked;
}

function markersOf(dir: string): string[] {
  try {
    return movedIn(dir).map(({ pack }) => pack);
  } catch (error) {
    // Ended meanwhile; or its lock is there and its folder not yet.
    if (GONE.has((error as NodeJS.ErrnoException).code)) return [];
    throw error;
  }
}

const GONE = new Set<string | undefined>(['ENOENT', 'ENOTDIR']);
