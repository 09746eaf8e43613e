/**
 * `sync --follow`: goes on for as long as nobody stops it. One follower for each remote, all in this process; one that
 * fails for good ends alone, and the exit code at the end is the worst.
 */
import { ERRORS } from '../../core/errors.ts';
import { type Failure, standingOf } from '../../core/follow.ts';
import type { VolsetId } from '../../core/ids.ts';
import type { Policy } from '../../core/reconcile.ts';
import type { Selection } from '../../core/selection.ts';
import type { RemoteConfig } from '../../meta/contract.ts';
import { chanceOf, type Engine, type Outcome, outcome } from '../engine.ts';
import type { LineUse } from '../replicate-options.ts';
import { type FollowClock, monotonic } from './clock.ts';
import { Directory } from './directory.ts';
import type { FollowEvent, FollowStatus } from './events.ts';
import { type Course, Loop } from './loop.ts';
import { MirrorCourse } from './mirror-course.ts';
import { type Following, VolsetCourse } from './volset-course.ts';

export interface FollowOptions extends LineUse {
  remotes: RemoteConfig[];
  /** Ends when all of them are in sync. */
  once: boolean;
  /** Takes only; nothing is sent. */
  pullOnly: boolean;
  /** Of each remote all volsets; else the one that it is about. */
  allVolsets: boolean;
  policy?: Policy;
  selection: Selection;
  maxDelete: number;
  acceptNewIdentity?: boolean;
  acceptRollback?: boolean;
}

export interface FollowedRemote {
  remote: string;
  /** Name of the volset; null: not known, or all of them. */
  volset: string | null;
  volsetId: VolsetId | null;
  status: FollowStatus;
  /** The remote's revision that is here; null before the first contact. */
  rev: number | null;
  /** What ended it. */
  error?: Failure;
}

export interface FollowResult {
  remotes: FollowedRemote[];
}

interface Followed {
  remote: string;
  course: Course & { readonly volset?: VolsetId; readonly exits: number[] };
  loop: Loop;
}

/** Resolves when all followers have ended, or `engine.signal` has fired: that is a clean end, without an exit code. */
export async function follow(
  engine: Engine,
  options: FollowOptions,
  emit: (event: FollowEvent) => void,
  clock: FollowClock = monotonic,
): Promise<Outcome<FollowResult>> {
  // A fault of our own in one of them ends all.
  const failed = new AbortController();
  const signal = AbortSignal.any([engine.signal, failed.signal]);
  const within = { ...engine, signal };
  const of: Following = {
    engine: within,
    directory: new Directory(within),
    options: roundsOf(options),
    emit,
    now: clock.now,
  };
  const random = chanceOf(engine.world);
  const all = options.remotes.map((remote): Followed => {
    const course = options.allVolsets ? new MirrorCourse(of, remote) : new VolsetCourse(of, remote);
    const setup = { once: options.once, levels: options.allVolsets, left: course.left };
    return { remote: remote.name, course, loop: new Loop(course, setup, { clock, signal, random }) };
  });
  const runs = all.map(async ({ loop }) => {
    try {
      await loop.run();
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(runs);
  await Promise.all(runs);
  return outcome({ remotes: all.map((one) => resultOf(engine, one)) }, ...exitsOf(engine, all, options));
}

const roundsOf = ({ remotes: _, once: __, allVolsets: ___, ...rest }: FollowOptions) => ({
  ...rest,
  dryRun: false,
  failIfUnchanged: false,
});

function resultOf({ meta }: Engine, { remote, course, loop }: Followed): FollowedRemote {
  const { status, revision } = standingOf(loop.state);
  const volset = (course.volset && meta.findVolset(course.volset)?.name) ?? null;
  const error = loop.state.ended?.error;
  const told = { remote, volset, volsetId: course.volset ?? null, status, rev: revision };
  return error === undefined ? told : { ...told, error };
}

/** Who is told to stop has done what was asked; who ends in sync tells how the last rounds ended. */
function exitsOf({ signal }: Engine, all: Followed[], { once }: FollowOptions): number[] {
  return all.flatMap(({ course, loop }) => {
    const error = loop.state.ended?.error;
    if (error !== undefined) return [ERRORS[error.code].exit];
    return once && !signal.aborted ? course.exits : [];
  });
}
