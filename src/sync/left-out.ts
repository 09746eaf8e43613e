/**
 * History whose data was left out by a selection (`--tips`, `--since`, a clone of metadata only) and is wanted here once
 * the selection is gone. That a peer has none of it either is kept in settings, so that it is not asked each time.
 */
import { newSince } from '../core/ancestry.ts';
import { installOf, type SnapshotId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { parentLookup, type Session } from './session.ts';

const keyOf = ({ staged, volset }: Session): string => `peer.${installOf(staged.identity)}.${volset}.absent`;

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
  return engine.meta.settings()[keyOf(session)] === `${staged.revision} ${lacked.length}` ? [] : lacked.reverse();
}

/** After a pull: how many of the lacked ones the peer does not hold either. */
export function noteAbsent(session: Session, absent: number): void {
  const { meta } = session.engine;
  const key = keyOf(session);
  if (absent > 0) meta.putSetting(key, `${session.staged.revision} ${absent}`);
  else if (meta.settings()[key] !== undefined) meta.putSetting(key, null);
}
