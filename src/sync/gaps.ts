/**
 * Blobs of ours that a peer has not sealed. Each complete blob has a number here; the peer says which of them it holds
 * durably, and the rest is found without any note of our own about what was sent once.
 */
import { newSince } from '../core/ancestry.ts';
import { installOf, type SnapshotId } from '../core/ids.ts';
import { gaps as gapsIn, type Interval, intervalsOf, subtract, union } from '../core/intervals.ts';
import type { RefStep } from '../core/ref-plan.ts';
import type { NumberedBlob } from '../meta/contract.ts';
import { lacksThere } from './left-out.ts';
import { deadOf } from './queue.ts';
import { type Known, parentLookup } from './session.ts';

export interface Gaps {
  /** In the history of what goes there, by number. */
  wanted: SnapshotId[];
  /** Numbers that the peer waits for in vain: of blobs that are gone, or that belong to no branch any more. */
  lost: Interval[];
  /** Numbers of blobs that came from this very peer: said when something else is said, but no reason to speak. */
  theirs: Interval[];
}

const PAGE = 1000;

/**
 * `steps`: the branches meant. Of a diverged one our line is no gap: it goes nowhere before it is merged or renamed.
 * Dead items of the queue are none either, until somebody lets them be tried again.
 */
export function gapsOf(session: Known, steps: readonly RefStep[]): Gaps {
  const { engine, volset, staged, remote } = session;
  const { meta } = engine;
  const numbered = meta.knowsVolset(volset) && (!meta.self.ephemeral || lacksThere(session));
  const head = numbered ? meta.blobHead(volset) : 0;
  const open = gapsIn(staged.sealed, head);
  const { owed, theirs } = blobsIn(session, open);
  const wanted = reachable(
    session,
    owed,
    steps.filter(({ step }) => step !== 'diverged').map(({ current }) => current),
  );
  // Tips as they are after the numbers were read: what another command has just made is on its branch by now.
  const tips = wanted.length < owed.size ? meta.listBranches(volset).map(({ tip }) => tip) : [];
  const kept = [...wanted, ...reachable(session, owed, tips), ...unrecorded(session, owed)].map(
    (id) => owed.get(id) as number,
  );
  const theirNumbers = intervalsOf(theirs);
  const lost = subtract(open, union(theirNumbers, intervalsOf(kept)));
  const dead = deadOf(meta, { remote: remote.name, volset }, wanted);
  return { wanted: wanted.filter((id) => !dead.has(id)), lost, theirs: theirNumbers };
}

function reachable(session: Known, owed: ReadonlyMap<SnapshotId, number>, tips: (SnapshotId | null)[]): SnapshotId[] {
  if (owed.size === 0) return [];
  const ends = tips.filter((tip) => tip !== null);
  const reached = new Set(newSince(parentLookup(session), ends, []));
  return [...owed.keys()].filter((id) => reached.has(id));
}

/** Data comes before records: whether a branch will lead to these cannot be told yet. */
function unrecorded({ engine: { meta }, volset }: Known, owed: ReadonlyMap<SnapshotId, number>): SnapshotId[] {
  const ids = [...owed.keys()];
  const known = ids.length > 0 ? meta.parentsOf(volset, ids) : {};
  return ids.filter((id) => !Object.hasOwn(known, id));
}

const idsOf = (page: NumberedBlob[]): SnapshotId[] => page.map(({ snapshot }) => snapshot);

/** In order of their numbers. Forgotten ones are as good as gone. */
function blobsIn({ engine: { meta }, volset, staged }: Known, open: Interval[]) {
  const peer = installOf(staged.identity);
  const owed = new Map<SnapshotId, number>();
  const theirs: number[] = [];
  for (const [first, last] of open) {
    for (let next = first; next <= last; ) {
      const page = meta.numberedBlobs(volset, next, last, PAGE);
      const forgotten = new Set(meta.forgotten(volset, idsOf(page)));
      for (const { number, snapshot, from } of page) {
        if (forgotten.has(snapshot)) continue;
        if (from === peer) theirs.push(number);
        else owed.set(snapshot, number);
      }
      if (page.length < PAGE) break;
      next = page[page.length - 1].number + 1;
    }
  }
  return { owed, theirs };
}

/** Does the peer lack something that a push would send, or wait for numbers that never come? */
export function owesNothing(session: Known, steps: readonly RefStep[]): boolean {
  const { wanted, lost } = gapsOf(session, steps);
  return wanted.length + lost.length === 0;
}
