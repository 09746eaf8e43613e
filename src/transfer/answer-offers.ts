/** What a hub says to offers: what it has, what it wants, on which base and into which upload, what it cannot take. */
import { PlaitError } from '../core/errors.ts';
import { snapshotId } from '../core/hash.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { checkIntervals, isBlobNumber } from '../core/intervals.ts';
import { malformed } from '../core/malformed.ts';
import type { Offer, OfferAnswer, OfferSender } from '../core/peer.ts';
import { decodeSnapshotBody, encodeSnapshotBody } from '../core/snapshot-body.ts';
import type { Room } from './room.ts';

/** A snapshot that may come, with the base chosen for it and the room that it was given. */
export interface Coming {
  id: SnapshotId;
  base: SnapshotId | null;
  room: number;
}

export interface Decided {
  answers: Map<SnapshotId, OfferAnswer>;
  coming: Coming[];
}

/** One look at each offer, oldest first. `complete`: of all that is named, what is complete here. */
export function decideOffers(offers: Offer[], complete: ReadonlySet<SnapshotId>, room: Room): Decided {
  const answers = new Map<SnapshotId, OfferAnswer>();
  const coming = new Map<SnapshotId, Coming>();
  for (const offer of offers) {
    const { id, bytes, baseCandidates } = offer;
    if (coming.has(id) || answers.has(id)) continue;
    if (complete.has(id)) {
      answers.set(id, { id, answer: 'have' });
      continue;
    }
    const base = baseCandidates.find((c) => coming.has(c) || complete.has(c)) ?? null;
    const refusal = room.take(offer, base !== null);
    if (refusal) answers.set(id, { id, answer: 'declined', ...refusal });
    else coming.set(id, { id, base, room: base === null ? bytes : 0 });
  }
  return { answers, coming: [...coming.values()] };
}

/** The body decides which root is received under the id: it must be the id's own. */
export function checkOffer(volset: VolsetId, { id, body }: Pick<Offer, 'id' | 'body'>): void {
  const bytes = encodeSnapshotBody(body);
  decodeSnapshotBody(bytes, volset);
  if (snapshotId(bytes) !== id)
    throw new PlaitError('integrity', 'an offered snapshot does not have the id that its body gives');
}

/** Before anything is agreed on: a number that is none would be found out when all of the data has come. */
export function checkNumbers(offers: Offer[], sender: OfferSender | undefined): void {
  if (sender) checkIntervals(sender.missing);
  for (const { number } of offers)
    if (number !== undefined && !isBlobNumber(number)) malformed('a blob has a number that is none');
}

/** The sender's numbers of those of its offers that are among `ids`; undefined where there are none. */
export function numbersOf(
  offers: Offer[],
  ids: { has(id: SnapshotId): boolean },
  sender: OfferSender | undefined,
): Record<SnapshotId, number> | undefined {
  const numbered = offers.filter(({ id, number }) => number !== undefined && ids.has(id));
  if (!sender || numbered.length === 0) return undefined;
  return Object.fromEntries(numbered.map(({ id, number }) => [id, number as number]));
}
