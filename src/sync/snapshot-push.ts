/** `plait snapshot --push`: what a cron job runs. The push happens also when some files could not be read. */
import { codeOfErrno, PlaitError } from '../core/errors.ts';
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
  try {
    // A stop that came while it was being noted; what it was asked for is there.
    engine.signal.throwIfAborted();
    if (!remote) return made;
    const pushed = await replicate(engine, 'push', remote, {
      selection: {},
      dryRun: false,
      maxDelete: DEFAULT_MAX_DELETE,
      failIfUnchanged: false,
      ...options.line,
    });
    engine.signal.throwIfAborted();
    return outcome({ ...made.result, push: pushed.result }, ...made.exits, ...pushed.exits);
  } catch (error) {
    throw withSnapshot(asPlaitError(error), made.result, remote !== undefined);
  }
}

/** The snapshot exists: its id must reach the user whatever ended the push. */
function withSnapshot(error: PlaitError, { snapshot, created }: SnapshotResult, pushes: boolean): PlaitError {
  const later = error.hint ?? (pushes ? 'push later with `plait push`' : undefined);
  const safe = `snapshot ${snapshot?.slice(0, 12)} ${created ? 'was made and is' : 'is'} safe here`;
  return new PlaitError(error.code, error.message, {
    hint: snapshot === null ? later : [safe, later].filter((part) => part !== undefined).join('; '),
    data: { ...error.data, snapshot },
    cause: error,
  });
}

/** What the disk or the system refused. What nobody expected stays that, and a bug. */
function asPlaitError(error: unknown): PlaitError {
  if (error instanceof PlaitError) return error;
  const { name, message, code }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  const known = name === 'AbortError' ? 'interrupted' : codeOfErrno(code);
  return new PlaitError(known ?? 'unexpected', message, { cause: error });
}
