/**
 * `sync --follow`: goes on for as long as nobody stops it. One follower for each remote, all in this process; one that
 * fails for good ends alone, and the exit code at the end is the worst.
 */
import type { Policy } from '../../core/reconcile.ts';
import type { Selection } from '../../core/selection.ts';
import type { RemoteConfig } from '../../meta/contract.ts';
import { type Engine, type Outcome, outcome } from '../engine.ts';
import type { LineUse } from '../replicate-options.ts';
import type { FollowEvent, FollowStatus } from './events.ts';

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
  volsetId: string | null;
  status: FollowStatus;
  /** The remote's revision that is here; null before the first contact. */
  rev: number | null;
  /** What ended it. */
  error?: { code: string; message: string; hint?: string };
}

export interface FollowResult {
  remotes: FollowedRemote[];
}

/** Time that no step of the clock and no sleep of the machine disturbs. */
export interface FollowClock {
  /** Milliseconds. */
  now(): number;
  /** Resolves early when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Resolves when all followers have ended, or `engine.signal` has fired: that is a clean end, without an exit code. */
export async function follow(
  engine: Engine,
  options: FollowOptions,
  emit: (event: FollowEvent) => void,
  clock?: FollowClock,
): Promise<Outcome<FollowResult>> {
  void [engine, options, emit, clock];
  return outcome({ remotes: [] });
}
