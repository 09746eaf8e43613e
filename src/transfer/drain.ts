/**
 * Sends what is queued for a remote. Each page of the queue is offered in one request; what the peer wants goes as parts,
 * several at once, whose turn it is being chosen anew for each part. An item is settled the moment its outcome is known,
 * never before: whatever ends this early leaves the rest in the queue.
 */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId } from '../core/ids.ts';
import type { OfferAnswer } from '../core/peer.ts';
import { Credits } from '../core/queue.ts';
import type { Outcome, Priority } from '../meta/contract.ts';
import { abortable } from './abortable.ts';
import { Blame, type Failure, later } from './drain-blame.ts';
import { QueuePages, type Work, type WorkSource } from './drain-source.ts';
import type { Drained, DrainOptions } from './drain-types.ts';
import { byTransfer, checkAnswers, PER_REQUEST, refusalOf } from './negotiation.ts';
import { offersOf } from './offers.ts';
import { openStream } from './open-stream.ts';
import { restOf } from './part-again.ts';
import { PartWindow } from './part-window.ts';
import { SendMeter } from './send-meter.ts';
import { isLocalDamage, type StreamItem, type StreamPart, type UploadStream } from './upload-stream.ts';

export type { Drained, DrainOptions } from './drain-types.ts';

/**
 * @throws errors of the peer that say nothing about a single item (`network`, `busy`, `forbidden` …), after what was in
 *   hand has been put off; `incomplete` when the peer kept less than it was sent; the signal's reason, with the rest as it was
 */
export function drainQueue(options: DrainOptions): Promise<Drained> {
  const { meta, volset, remote, insist, now = Date.now } = options;
  return drainSource(options, new QueuePages({ meta, volset, remote, insist, started: now() }));
}

export async function drainSource(options: DrainOptions, source: WorkSource): Promise<Drained> {
  const drain = new Drain(options, source);
  try {
    await drain.run();
  } catch (error) {
    await drain.putOff(error);
    throw error;
  }
  return drain.done;
}

class Drain {
  readonly done: Drained = { sent: [], held: [], declined: [], failed: [], chunks: 0, bytes: 0 };
  readonly #options: DrainOptions;
  readonly #source: WorkSource;
  readonly #credits = new Credits();
  readonly #meter = new SendMeter();
  readonly #window: PartWindow;
  readonly #blame = new Blame();
  /** Uploads agreed to in one request, to go one after the other: a later one may build on an earlier one. */
  #batches: UploadStream[][] = [];
  #declare: boolean;
  #incomplete = false;
  /** Neither deltas nor bases any more: the peer could not make use of some, or has lost of a base what its metadata says. */
  #plain = false;

  constructor(options: DrainOptions, source: WorkSource) {
    this.#options = options;
    this.#source = source;
    this.#window = new PartWindow(options.parallel, options.signal);
    this.#declare = (options.sender?.missing.length ?? 0) > 0;
  }

  async run(): Promise<void> {
    while (await this.#more()) {
      const ready = [0, 1, 2].map((priority) => this.#batches.some(([stream]) => stream.priority === priority));
      const priority = this.#credits.next(ready);
      const batch = this.#batches.find(([stream]) => stream.priority === priority) as UploadStream[];
      await this.#advance(batch);
      this.#batches = this.#batches.filter(({ length }) => length > 0);
    }
    if (this.#declare) await this.#ask([]);
    if (this.#incomplete) {
      throw new PlaitError('incomplete', 'the peer did not keep all that was sent', { hint: 'run the command again' });
    }
  }

  /** Puts off what is in hand, unless the user has stopped it. */
  async putOff(error: unknown): Promise<void> {
    if (this.#options.signal?.aborted || !(error instanceof PlaitError) || error.code === 'unexpected') return;
    await this.#window.ended().catch(() => undefined);
    const { code, message } = error;
    this.#source.settle([...this.#source.inHand].map((work) => this.#later(work, { code, message })));
  }

  /** Something to send is in hand: what is more urgent than that is looked for before each part. */
  async #more(): Promise<boolean> {
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const least = Math.max(-1, ...this.#batches.map(([stream]) => stream.priority)) + 1;
      const work = least > 2 ? [] : this.#source.take(PER_REQUEST, least as Priority);
      if (work.length === 0) return this.#batches.length > 0;
      await this.#offer(work);
    }
  }

  async #offer(work: Work[]): Promise<void> {
    const { meta, volset } = this.#options;
    const known = new Map<SnapshotId, { id: SnapshotId; body: StreamItem['body']; work: Work }>();
    for (const item of work) {
      const view = meta.findSnapshot(volset, item.snapshot);
      if (view?.hasBlob && !view.damaged) known.set(item.snapshot, { id: item.snapshot, body: view.body, work: item });
      else this.#reject(item.snapshot, 'missing', { code: 'blob-absent', message: absent(item.snapshot) });
    }
    if (known.size === 0) return;
    const offers = offersOf(this.#options, [...known.values()], !this.#plain);
    const offered = new Set(offers.map(({ id }) => id));
    this.#source.giveBack([...known.keys()].filter((id) => !offered.has(id)));
    let answers: OfferAnswer[];
    try {
      answers = checkAnswers(offers, await this.#ask(offers));
    } catch (error) {
      const items = offers.map(({ id }) => (known.get(id) as { work: Work }).work);
      if (!(error instanceof PlaitError) || error.code !== 'integrity') throw error;
      this.#blameAll(items, error);
      return;
    }
    this.#answered(answers, offers, known);
  }

  async #ask(offers: Parameters<DrainOptions['peer']['offer']>[1]): Promise<OfferAnswer[]> {
    const { peer, volset, sender } = this.#options;
    // What is missing is told once.
    const told = sender && { self: sender.self, missing: this.#declare ? sender.missing : [] };
    const answers = await peer.offer(volset, offers, told);
    this.#declare = false;
    return answers;
  }

  #answered(
    answers: OfferAnswer[],
    offers: { id: SnapshotId; number?: number }[],
    known: Map<SnapshotId, Omit<StreamItem, 'base'>>,
  ): void {
    const outcomes: Outcome[] = [];
    const wanted: Extract<OfferAnswer, { answer: 'want' }>[] = [];
    for (const answer of answers) {
      const { id } = answer;
      const { work } = known.get(id) as { work: Work };
      if (answer.answer === 'have') {
        this.done.held.push(id);
        outcomes.push({ snapshot: id, outcome: 'notWanted' });
      } else if (answer.answer === 'want') wanted.push(answer);
      else {
        this.done.declined.push(refusalOf(answer));
        const { code, reason: message, lasting } = answer;
        if (code && !lasting) outcomes.push(this.#later(work, { code, message }));
        else outcomes.push({ snapshot: id, outcome: 'rejected', error: { code: code ?? 'forbidden', message } });
      }
    }
    this.#source.settle(outcomes);
    const numbers = new Map(offers.map(({ id, number }) => [id, number]));
    const batch = byTransfer(wanted).map(({ transfer, items }) => {
      const of = items.map(({ id, base }) => ({ ...(known.get(id) as StreamItem), base, number: numbers.get(id) }));
      const onChunks = (chunks: number): void => {
        this.done.chunks += chunks;
      };
      return openStream(this.#options, {
        transfer,
        items: of,
        empty: items.every(({ empty }) => empty),
        deltas: !this.#plain,
        meter: this.#meter,
        onChunks,
      });
    });
    if (batch.length > 0) this.#batches.push(batch);
  }

  /** One part of the batch's first upload. */
  async #advance(batch: UploadStream[]): Promise<void> {
    const [stream] = batch;
    try {
      const part = await abortable(stream.next(), this.#options.signal);
      if (part) await this.#send(stream, part);
    } catch (error) {
      if (stream.asking) return await this.#refusedToAnswer(batch, stream, error);
      if (!isLocalDamage(error) || !stream.current) throw error;
      this.#poisoned(batch, stream, error);
    }
    if (stream.failure) await this.#failed(batch, stream);
    else if (stream.drawn) await this.#finish(batch, stream);
  }

  #send(stream: UploadStream, part: StreamPart): Promise<void> {
    const { peer, volset } = this.#options;
    const { transfer } = stream;
    const rest = () => restOf(part, (kind, ids) => peer.have(volset, transfer, kind, ids));
    return this.#window.send({
      upload: stream,
      part,
      wanted: () => stream.failure === undefined,
      send: () => peer.upload(transfer, part.pieces, rest),
      done: (answer) => {
        this.done.bytes += part.data;
        const durable = stream.answered(part, answer).map(({ id }) => id);
        this.#source.settle(durable.map((snapshot) => ({ snapshot, outcome: 'durable' })));
        this.done.sent.push(...durable);
        if (durable.length > 0) this.#blame.gotOn();
        const { totalBytes } = this.#meter;
        this.#options.onProgress?.({ bytes: part.data, items: durable.length, totalBytes });
      },
      failed: (error) => {
        stream.failure ??= { error, part };
      },
    });
  }

  /** Waits for the answers, and sends once more what was lacking. */
  async #finish(batch: UploadStream[], stream: UploadStream): Promise<void> {
    await this.#window.ended(stream);
    if (!stream.failure && stream.again()) {
      for (let part = await stream.next(); part; part = await stream.next()) await this.#send(stream, part);
      await this.#window.ended(stream);
    }
    if (stream.failure) return this.#failed(batch, stream);
    const left = stream.unconfirmed;
    if (left.length === 0) {
      batch.shift();
      return;
    }
    // What comes behind may build on these.
    this.#abandon(batch);
    if (stream.refused) {
      const message = 'the peer could not use its data, sent as a delta or plainly';
      for (const { id } of left) this.#reject(id, 'rejected', { code: 'integrity', message });
      return;
    }
    if (!this.#plain) {
      // Some deltas build on others: all of it again, plainly, of which what is there already is not sent.
      this.#plain = true;
      return;
    }
    this.#incomplete = true;
    const error: Failure = { code: 'incomplete', message: 'the peer did not keep all that was sent' };
    this.#source.settle(left.map(({ work }) => this.#later(work, error)));
  }

  /** Its own data is not in order here: only this one stays behind. */
  #poisoned(batch: UploadStream[], stream: UploadStream, { code, message }: PlaitError): void {
    const [{ work }, ...behind] = stream.cut();
    this.#reject(work.snapshot, 'missing', { code, message });
    this.#source.giveBack(behind.map(({ id }) => id));
    for (const { items } of batch.splice(1)) this.#source.giveBack(items.map(({ id }) => id));
  }

  /** The peer was asked what it holds. */
  async #refusedToAnswer(batch: UploadStream[], stream: UploadStream, error: unknown): Promise<void> {
    await this.#window.ended(stream);
    if (this.#blame.of(error, stream) !== 'nobody') throw error;
    this.#abandon(batch);
  }

  /** The peer refused a part. */
  async #failed(batch: UploadStream[], stream: UploadStream): Promise<void> {
    await this.#window.ended(stream);
    const { error, part } = stream.failure as NonNullable<UploadStream['failure']>;
    const kind = this.#blame.of(error, stream);
    if (kind === 'all') throw error;
    const inHand = this.#inHand();
    const within = stream.items.slice(part.first, part.last + 1).filter(({ id }) => inHand.has(id));
    const named = within.find(({ id }) => id === (error as PlaitError).data?.['refused']);
    const blamed = named ? [named] : within;
    this.#abandon(batch);
    if (kind === 'nobody') return;
    if (blamed.length === 0) throw error;
    this.#blameAll(
      blamed.map(({ work }) => work),
      error as PlaitError,
    );
  }

  /** What this request was to bring goes back into the queue, to be offered again without those that are settled. */
  #abandon(batch: UploadStream[]): void {
    const ids = batch.flatMap(({ items }) => items.map(({ id }) => id));
    const inHand = this.#inHand();
    batch.length = 0;
    this.#source.giveBack(ids.filter((id) => inHand.has(id)));
  }

  #inHand(): Set<SnapshotId> {
    return new Set([...this.#source.inHand].map(({ snapshot }) => snapshot));
  }

  /** One alone is to blame; of several each is tried alone, unless it is room that they lack. */
  #blameAll(items: Work[], { code, message }: PlaitError): void {
    if (code === 'quota' || code === 'no-space') {
      this.done.declined.push(...items.map(({ snapshot }) => ({ id: snapshot, reason: message, code }) as const));
      this.#source.settle(items.map((work) => this.#later(work, { code, message })));
    } else if (items.length > 1) {
      this.#source.giveBack(
        items.map(({ snapshot }) => snapshot),
        true,
      );
    } else if (code === 'protocol') {
      // It may as well be the peer that is at fault: nothing dies of that.
      this.#source.settle(items.map((work) => this.#later(work, { code, message })));
      this.done.failed.push(...items.map(({ snapshot }) => ({ id: snapshot, code, message })));
    } else for (const { snapshot } of items) this.#reject(snapshot, 'rejected', { code, message });
  }

  #reject(snapshot: SnapshotId, outcome: 'missing' | 'rejected', error: Failure): void {
    this.#source.settle([{ snapshot, outcome, error }]);
    this.done.failed.push({ id: snapshot, ...error });
  }

  #later(work: Work, error: Failure): Outcome {
    return later(this.#options, work, error);
  }
}

const absent = (id: SnapshotId): string => `the data of snapshot ${id.slice(0, 12)} is not in this store`;
