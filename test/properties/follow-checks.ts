/** What must be true of a follower at any time. Named by the invariant (docs/testing.md). */
import type { FollowStanding, Marker } from '../../src/core/follow.ts';
import type { ModelRemote } from './follow-remote.ts';

export class Broken extends Error {}

export const fail = (text: string): never => {
  throw new Broken(text);
};

/** What is here. */
export interface Held {
  marker: Marker | null;
  refs: Map<string, string>;
  /** Branches whose new tip has no data here yet. */
  lacking: Map<string, string>;
}

export interface Seen {
  held: Held;
  standing: FollowStanding;
  remote: ModelRemote;
  /** The remote's revision when the feed was opened; undefined: it is not open. */
  feedHead: number | undefined;
  /** The remote lacks changes made here. */
  owes: boolean;
  ended: boolean;
}

export function check(seen: Seen): void {
  const { held, standing, remote, ended } = seen;
  const { marker, refs, lacking } = held;
  if (marker !== null && marker.store === remote.store && lacking.size === 0) checkHolds(remote, marker, refs);
  if (standing.status !== 'in-sync') return;
  if ([...refs.values()].some((tip) => remote.isOther(tip))) fail('F5 in sync with another store');
  if (!ended) checkInSync('F1 in sync', seen);
}

function checkHolds(remote: ModelRemote, { revision }: Marker, refs: ReadonlyMap<string, string>): void {
  const state = remote.history[revision];
  if (!state || state.size !== refs.size || [...state].some(([branch, tip]) => refs.get(branch) !== tip))
    fail('F12 what is here is not what the remote was at the marker');
}

export function checkInSync(what: string, { held, standing, feedHead, owes, ended }: Seen): void {
  const { marker, lacking } = held;
  const { revision } = standing;
  if (revision === null || marker === null || revision > marker.revision) fail(`${what}, ahead of what is here`);
  // A run that ends by itself tells what is left, and does not wait for it.
  if (lacking.size > 0 && !ended) fail(`F13 ${what} without the data of a tip`);
  if (owes) fail(`${what}, and something is owed`);
  if (feedHead === undefined) fail(`${what} without a feed`);
  if ((revision ?? 0) < (feedHead ?? 0)) fail(`${what} below what was there when the feed began`);
}
