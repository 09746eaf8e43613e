/** Our records to the peer: closed generations, or, from a store that closes none, the open records themselves. */
import type { Stretch } from '../core/peer.ts';
import type { Generation, Vector } from '../core/records.ts';
import type { DeltasPlan } from '../meta/contract.ts';
import type { Known, Session } from './session.ts';
import { settle } from './settle.ts';

export interface SentRecords {
  /** The peer's, afterwards. */
  vector: Vector;
  sent: boolean;
  /** Of the peer, up to which we know all there. */
  revision: number;
}

/** Sends what the peer lacks of what we hold, if anything. */
export async function sendRecords(session: Session): Promise<SentRecords> {
  const { engine, peer, volset } = session;
  const { meta } = engine;
  const { vector: theirs } = session.staged;
  let { revision } = session.staged;
  const ours = await settle(engine, volset);
  let [vector, sent] = [theirs, false];
  const plan = planFor(session, theirs);
  if (plan.generations > 0) {
    const sender = { label: meta.self.label, vector: ours };
    const answer = await peer.sendGenerations(volset, pages(session, plan.cursor), sender);
    vector = answer.vector;
    revision = upTo(answer.revisions, revision);
    sent = true;
  }
  const open = meta.openRecords(volset);
  if (open.length > 0) {
    ({ vector } = await peer.handOver(volset, open));
    sent = true;
  }
  return { vector, sent, revision };
}

/** Of a peer that is known up to `known` and wrote for us. No count of our own could tell that nobody else did as well. */
export const upTo = (stretch: Stretch | undefined, known: number): number =>
  stretch?.[0] === known ? stretch[1] : known;

/** Generations alone: our refs are not told in a push. */
const planFor = ({ engine: { meta }, volset }: Known, theirs: Vector): DeltasPlan =>
  meta.planDeltas(volset, theirs, meta.revision(volset));

function* pages({ engine, volset }: Session, first: string): Generator<Generation> {
  for (let cursor: string | undefined = first; cursor !== undefined; ) {
    const page = engine.meta.readDeltas(volset, cursor);
    yield* page.generations;
    cursor = page.cursor;
  }
}

/** Would `sendRecords` send anything? */
export function hasRecordsFor(session: Known): boolean {
  const { engine, volset, staged } = session;
  const { meta } = engine;
  if (!meta.knowsVolset(volset)) return false;
  return staged.absent || planFor(session, staged.vector).generations > 0 || meta.openRecords(volset).length > 0;
}
