/** What a schedule of a follower is made of. */
import { type Action, decide, type Failure, take } from '../../src/core/follow.ts';

/** The follower's two functions; mutants wrap them. */
export interface Rules {
  take: typeof take;
  decide: typeof decide;
}
export const RULES: Rules = { take, decide };

export interface Plan {
  steps: number[];
  seed: number;
  once: boolean;
}

export interface Counts {
  resumed: number;
  states: number;
  applied: number;
  crashes: number;
  stopped: number;
  lacking: number;
  renewed: number;
}

/** The feed while it is open. */
export interface Reading {
  position: number;
  /** The remote's revision when it was opened. */
  head: number;
  openedAt: number;
}

/** What is under way: how far the feed was when it began, and how many changes had been made here. */
export type Work = Extract<Action, { do: 'state' | 'apply' }> & { upTo: number; changes: number };

export const NETWORK: Failure = { code: 'network', message: 'cut' };
export const DAMAGED: Failure = { code: 'integrity', message: 'damaged' };
