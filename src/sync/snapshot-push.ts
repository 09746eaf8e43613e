/** `plait snapshot --push`: what a cron job runs. The push happens also when some files could not be read. */
import { PlaitError } from '../core/errors.ts';
import { DEFAULT_MAX_DELETE } from '../core/guards.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { defaultRemote } from './remotes.ts';
import { replicate } from './replicate.ts';
import type { LineUse } from './replicate-options.ts';
import type { SnapshotResult } from './results.ts';
import { type SnapshotOptions, snapshot } from './snapshot.ts';

export interface SnapshotPushOptions extends SnapshotOptions {
  pushTo?: string;
  /** Of the push. */
  line?: LineUse;
}

export async function snapshotAndPush(engine: Engine, options: SnapshotPushOptions): Promise<Outcome<SnapshotResult>> {
  // A remote that does not exist is told before an hour of work, not after it.
  const remote = options.pushTo === undefined ? undefined : defaultRemote(engine, options.pushTo);
  const made = await snapshot(engine, options);
  if (!remote) return made;
  try {
    const pushed = await replicate(engine, 'push', remote, {
      selection: {},
      dryRun: false,
      maxDelete: DEFAULT_MAX_DELETE,
      failIfUnchanged: false,
      ...options.line,
    });
    return outcome({ ...made.result, push: pushed.result }, ...made.exits, ...pushed.exits);
  } catch (error) {
    throw error instanceof PlaitError ? withSnapshot(error, made.result) : error;
  }
}

/** The snapshot exists: its id must reach the user even though the push failed. */
function withSnapshot(error: PlaitError, { snapshot, created }: SnapshotResult): PlaitError {
  const later = error.hint ?? 'push later with `plait push`';
  const safe = `snapshot ${snapshot?.slice(0, 12)} ${created ? 'was made and is' : 'is'} safe here`;
  return new PlaitError(error.code, error.message, {
    hint: snapshot === null ? later : `${safe}; ${later}`,
    data: { ...error.data, snapshot },
    cause: error,
  });
}
