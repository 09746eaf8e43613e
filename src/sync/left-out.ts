/**
 * History whose data was left out by a selection (`--tips`, `--since`, a clone of metadata only) and is wanted here once
 * the selection is gone. What was dropped here comes back by name only. That a peer has none of it either is kept in settings, so that it is not asked each time.
 */
import { newSince } from '../core/ancestry.ts';
import { installOf, type SnapshotId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { type Known, parentLookup, type Session } from './session.ts';

const keyOf = ({ staged, volset }: Known, what: 'absent' | 'partial'): string =>
  `peer.${installOf(staged.identity)}.${volset}.${what}`;

/**
 * Of a store for one job, whose numbers nobody seals: a push was told to leave history out, so that what it made may be
 * missing there.
 */
export const lacksThere = (session: Known): boolean =>
  session.engine.meta.settings()[keyOf(session, 'partial')] === 'true';

/** After a push of such a store: it left something out, or made up for all that was. */
export function notePartial(session: Session, partial: boolean): void {
  if (lacksThere(session) !== partial)
    session.engine.meta.putSetting(keyOf(session, 'partial'), partial ? 'true' : null);
}

/**
 * Ancestors of the tips, oldest first, whose data is not here. Empty where the peer has said of the very same ones that
 * it has no data either, and has learned nothing since: neither a ref nor the number of its blobs has moved.
 */
export function lackedHere(session: Known, steps: RefStep[]): SnapshotId[] {
  const { engine, volset } = session;
  const tips = steps.map((step) => step.target).filter((id): id is SnapshotId => id !== null);
  // A tip comes whatever was dropped, or no branch could follow it.
  const missing = new Set([...engine.meta.lackedBlobs(volset), ...engine.meta.missingBlobs(volset, tips)]);
  if (missing.size === 0) return [];
  const lacked = newSince(parentLookup(session), tips, []).filter((id) => missing.has(id));
  return engine.meta.settings()[keyOf(session, 'absent')] === absence(session, lacked.length) ? [] : lacked.reverse();
}

const absence = ({ staged: { revision, blobs } }: Known, count: number): string => `${revision} ${blobs} ${count}`;

/** After a pull: how many of the lacked ones the peer does not hold either. */
export function noteAbsent(session: Session, absent: number): void {
  const { meta } = session.engine;
  const key = keyOf(session, 'absent');
  if (absent > 0) meta.putSetting(key, absence(session, absent));
  else if (meta.settings()[key] !== undefined) meta.putSetting(key, null);
}
