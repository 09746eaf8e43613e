/** A difference between two trees as documents show it. */
import type { Change, Entry, EntryKind } from './entry.ts';
import { jsonPath } from './paths.ts';
import type { ShownPath } from './shown-entry.ts';

/** Added, modified, deleted, type changed. */
export type Letter = 'A' | 'M' | 'D' | 'T';

export interface ShownChange extends ShownPath {
  before?: { kind: EntryKind; size: number };
  after?: { kind: EntryKind; size: number };
}

export function letterOf({ before, after }: Pick<Change, 'before' | 'after'>): Letter {
  if (!before) return 'A';
  if (!after) return 'D';
  return before.kind === after.kind ? 'M' : 'T';
}

export const shownChange = ({ path, before, after }: Change): ShownChange => ({
  ...jsonPath(path),
  ...(before && { before: shape(before) }),
  ...(after && { after: shape(after) }),
});

const shape = ({ kind, size }: Entry) => ({ kind, size });
