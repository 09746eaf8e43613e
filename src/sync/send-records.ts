/** Our records to the peer: closed generations, or, from a store that closes none, the open records themselves. */
import type { AnyRecord, Generation, Vector } from '../core/records.ts';
import { encodeRecord } from '../core/records.ts';
import type { Session } from './session.ts';
import { settle } from './settle.ts';

/** Of one hand-over; well below what a hub takes. */
const MAX_RECORDS = 1000;
const MAX_BYTES = 1024 * 1024;

/** Sends what the peer lacks of what we hold, if anything. Answers with its vector afterwards. */
export async function sendRecords(session: Session, theirs: Vector): Promise<{ vector: Vector; sent: boolean }> {
  const { engine, peer, volset } = session;
  const { meta } = engine;
  const ours = await settle(engine, volset);
  let [vector, sent] = [theirs, false];
  const plan = meta.planDeltas(volset, theirs, 0);
  if (plan.generations > 0) {
    const sender = { label: meta.self.label, vector: ours };
    ({ vector } = await peer.sendGenerations(volset, pages(session, plan.cursor), sender));
    sent = true;
  }
  for (const records of batches(meta.openRecords(volset))) {
    ({ vector } = await peer.handOver(volset, records));
    sent = true;
  }
  return { vector, sent };
}

function* pages({ engine, volset }: Session, first: string): Generator<Generation> {
  for (let cursor: string | undefined = first; cursor !== undefined; ) {
    const page = engine.meta.readDeltas(volset, cursor);
    yield* page.generations;
    cursor = page.cursor;
  }
}

/** In order: parents first. */
function* batches(records: AnyRecord[]): Generator<AnyRecord[]> {
  let [batch, bytes]: [AnyRecord[], number] = [[], 0];
  for (const record of records) {
    const size = encodeRecord(record).length;
    if (batch.length === MAX_RECORDS || (batch.length > 0 && bytes + size > MAX_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Would `sendRecords` send anything? */
export function hasRecordsFor({ engine, volset, staged }: Session): boolean {
  const { meta } = engine;
  if (!meta.knowsVolset(volset)) return false;
  return (
    staged.absent || meta.planDeltas(volset, staged.vector, 0).generations > 0 || meta.openRecords(volset).length > 0
  );
}
