/** Records that come in, as a push or handed over: what is refused before they are stored, and what a hub adds. */
import { PlaitError } from '../core/errors.ts';
import { installOf, type StoreId, type VolsetId } from '../core/ids.ts';
import type { Stretch } from '../core/peer.ts';
import type { Generation, LoggedRecord, Vector, Write } from '../core/records.ts';
import { stampTime } from '../core/stamp.ts';
import type { Applied } from '../meta/contract.ts';
import type { VectorAnswer } from '../wire/messages.ts';
import type { Speaker } from '../wire/push.ts';
import type { Writes } from '../wire/writes.ts';
import { isAnonymous } from './access.ts';
import type { HubMeta } from './contract.ts';
import { refuseForgetting } from './forget-right.ts';
import { refuseChanges, refuseHandedOver } from './keep-all.ts';
import type { Call, HubContext } from './routes/route.ts';
import { claimName } from './routes/volsets.ts';

const HOUR_MS = 3_600_000;
/** How far ahead of ours an author's clock may be. */
const MAX_AHEAD_MS = 24 * HOUR_MS;
/** Records that one transaction takes in. */
const BATCH_RECORDS = 10_000;

/** A store that syncs with itself would take its own echo for news. A copy of it that went on is another store. */
export function refuseOurselves(meta: HubMeta, self: StoreId): void {
  if (self !== meta.self.store) return;
  throw new PlaitError('identity', 'this hub is the very store that asks', {
    hint: 'check the URL of the remote with `plait remote list`',
  });
}

/** Takes one request's records into a volset: checks, transactions, and the owner of a volset that they brought. */
export class Intake {
  readonly #context: HubContext;
  readonly #call: Call;
  /** The volset has not been here before this request. */
  readonly #brings: boolean;
  #vector: Vector | undefined;
  /** Of all transactions so far; null: something else wrote beside them. */
  #revisions: Stretch | null | undefined;

  constructor(context: HubContext, call: Call, known: boolean) {
    this.#context = context;
    this.#call = call;
    this.#brings = !known;
  }

  /** What fits one transaction is taken whole or not at all; more than that in whole generations, oldest first. */
  async push({ self, label, vector: held }: Speaker, generations: AsyncIterable<Generation>): Promise<VectorAnswer> {
    const { meta, now } = this.#context;
    const { volset, caller } = this.#call;
    const apply = async (batch: Generation[]): Promise<void> => {
      const round = { peer: self, generations: batch, label, held };
      if (!caller.mayChange) await refuseChanges(meta, volset, round);
      await this.#take(
        batch.flatMap(({ records }) => records),
        () => meta.apply(volset, round),
      );
    };
    let batch: Generation[] = [];
    let records = 0;
    for await (const generation of generations) {
      refuseFuture(generation.records, self, now());
      await refuseForgetting(meta, volset, caller, generation.records);
      if (records > 0 && records + generation.count > BATCH_RECORDS) {
        await apply(batch);
        batch = [];
        records = 0;
      }
      batch.push(generation);
      records += generation.count;
    }
    // Without generations it still says what the speaker holds; but nothing is made for it.
    if (batch.length > 0 || (await meta.knowsVolset(this.#call.volset))) await apply(batch);
    return this.#end();
  }

  /** Of a store that never cuts: logged in a generation of our own. */
  async handOver({ self, records }: Writes): Promise<VectorAnswer> {
    const { meta, now } = this.#context;
    refuseFuture(records, self, now());
    await refuseForgetting(meta, this.#call.volset, this.#call.caller, records);
    if (!this.#call.caller.mayChange) await refuseHandedOver(meta, this.#call.volset, records);
    if (records.length > 0) await this.#take(records, () => meta.handOver(this.#call.volset, self, records));
    return this.#end();
  }

  async #take(records: LoggedRecord[], take: () => Promise<Pick<Applied, 'vector' | 'revisions'>>): Promise<void> {
    const { pending } = this.#context;
    const { volset } = this.#call;
    const name = this.#brings && this.#vector === undefined ? nameAmong(records) : undefined;
    if (name !== undefined) await claimName(this.#context, this.#call, volset, name);
    const { vector, revisions } = await take();
    this.#vector = vector;
    this.#revisions = joined(this.#revisions, revisions);
    pending.settled(volset);
  }

  /** Our vector afterwards. */
  async #end(): Promise<VectorAnswer> {
    const { meta } = this.#context;
    const { volset, caller } = this.#call;
    if (this.#vector === undefined)
      return { vector: (await meta.knowsVolset(volset)) ? await meta.vector(volset) : {} };
    const answer = { vector: this.#vector, ...(this.#revisions && { revisions: this.#revisions }) };
    if (!this.#brings || isAnonymous(caller) || caller.label === '') return answer;
    const vector = await own(meta, volset, caller.label);
    return vector === undefined ? answer : { vector };
  }
}

function joined(before: Stretch | null | undefined, next: Stretch | undefined): Stretch | null {
  if (next === undefined || before === null) return null;
  if (before === undefined) return next;
  return before[1] === next[0] ? [before[0], next[1]] : null;
}

/** What nobody owns yet belongs to the bearer of the token that brought it. Cut at once: the same session fetches it. */
async function own(meta: HubMeta, volset: VolsetId, label: string): Promise<Vector | undefined> {
  const here = await meta.findVolset(volset);
  if (here === undefined || here.owner !== null) return undefined;
  await meta.commit(volset, [{ edit: 'set', register: 'volset:owner', value: label }]);
  return meta.cut(volset);
}

/** The volset's name as these records leave it. */
function nameAmong(records: LoggedRecord[]): string | undefined {
  let last: Write | undefined;
  for (const record of records) {
    if (record.type !== 'write' || record.register !== 'volset:name') continue;
    if (last === undefined || record.stamp > last.stamp) last = record;
  }
  return last?.value ?? undefined;
}

/**
 * A clock that runs ahead would win every later disagreement. Its owner hears of it here; what others relay is taken,
 * for they cannot help it, and a chain with a hole would be worse.
 */
function refuseFuture(records: LoggedRecord[], self: StoreId, now: number): void {
  const install = installOf(self);
  for (const record of records) {
    if (record.type === 'snapshot' || installOf(record.author) !== install) continue;
    const ahead = stampTime(record.stamp) - now;
    if (ahead <= MAX_AHEAD_MS) continue;
    const until = new Date(stampTime(record.stamp) - MAX_AHEAD_MS).toISOString();
    throw new PlaitError(
      'protocol',
      `a record was made ${Math.round(ahead / HOUR_MS)} hours ahead of this hub's clock`,
      {
        hint: `set the clock of your machine right; what it recorded meanwhile can be pushed from ${until} on`,
        data: { stamp: record.stamp, hub: now },
      },
    );
  }
}
