/**
 * History whose data was left out by a selection (`--tips`, `--since`, a clone of metadata only) and is wanted once the
 * selection is gone. What is known of it is kept in settings, so that a session with nothing to do stays one request.
 */
import { newSince } from '../core/ancestry.ts';
import { installOf, type SnapshotId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import type { Selection } from '../core/selection.ts';
import { parentLookup, type Session } from './session.ts';

const keyOf = ({ staged, volset }: Session, what: string): string =>
  `peer.${installOf(staged.identity)}.${volset}.${what}`;

const leavesOut = (selection: Selection): boolean => selection.tips === true || selection.since !== undefined;

/** Our data may be missing there below tips that are equal: an earlier push was told to leave history out. */
export function lacksThere(session: Session, selection: Selection): boolean {
  return !leavesOut(selection) && session.engine.meta.settings()[keyOf(session, 'partial')] === 'true';
}

/** After a push: what it left out, or that it made up for all that was. */
export function notePushed(session: Session, selection: Selection, sentAny: boolean, whole: boolean): void {
  const { meta } = session.engine;
  const key = keyOf(session, 'partial');
  if (leavesOut(selection) && sentAny) meta.putSetting(key, 'true');
  else if (whole && meta.settings()[key] !== undefined) meta.putSetting(key, null);
}

/**
 * Ancestors of the tips, oldest first, whose data is not here. Empty where the peer has said of the very same ones that
 * it has no data either, and has learned nothing since (its ref revision stands).
 */
export function lackedHere(session: Session, steps: RefStep[]): SnapshotId[] {
  const { engine, volset, staged } = session;
  const missing = new Set(engine.meta.missingBlobs(volset));
  if (missing.size === 0) return [];
  const tips = steps.map((step) => step.target).filter((id): id is SnapshotId => id !== null);
  const lacked = newSince(parentLookup(session), tips, []).filter((id) => missing.has(id));
  return engine.meta.settings()[keyOf(session, 'absent')] === `${staged.revision} ${lacked.length}`
    ? []
    : lacked.reverse();
}

/** After a pull: how many of the lacked ones the peer does not hold either. */
export function noteAbsent(session: Session, absent: number): void {
  const { meta } = session.engine;
  const key = keyOf(session, 'absent');
  if (absent > 0) meta.putSetting(key, `${session.staged.revision} ${absent}`);
  else if (meta.settings()[key] !== undefined) meta.putSetting(key, null);
}
