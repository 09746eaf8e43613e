/** `--since DATE|REF`: where the walk through history ends. */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { Engine } from './engine.ts';
import { resolveReference } from './references.ts';

const ISO = /^\d{4}-\d{2}-\d{2}([T ].*)?$/;

/** The snapshot that a reference means; undefined for a date: what is in its history is not wanted either. */
export function sinceReference(engine: Engine, volset: VolsetId, since: string | undefined): SnapshotId | undefined {
  return since === undefined || ISO.test(since) ? undefined : named(engine, volset, since);
}

function named(engine: Engine, volset: VolsetId, since: string): SnapshotId {
  try {
    return resolveReference(engine, volset, since).snapshot;
  } catch (error) {
    if (!(error instanceof PlaitError) || error.code !== 'not-found') throw error;
    throw new PlaitError('not-found', `--since ${since} is neither a date nor a snapshot that is known here`, {
      hint: 'write a date like 2026-01-31 or 2026-01-31T12:00:00Z, or a reference as in `plait log`',
      data: error.data,
      cause: error,
    });
  }
}

/** True for snapshots that are older than the date, or that are the named one. */
export function sinceStop(engine: Engine, volset: VolsetId, since: string | undefined): (id: SnapshotId) => boolean {
  if (since === undefined) return () => false;
  if (!ISO.test(since)) {
    const snapshot = named(engine, volset, since);
    return (id) => id === snapshot;
  }
  const from = Date.parse(since);
  if (Number.isNaN(from)) {
    throw new PlaitError('usage', `--since ${since} is no date`, {
      hint: 'write it like 2026-01-31 or 2026-01-31T12:00:00Z',
    });
  }
  return (id) => {
    const view = engine.meta.findSnapshot(volset, id);
    // One that was forgotten does not say: those before it do.
    return view !== undefined && view.body.created < from;
  };
}
