/** Offers and uploads of a hub: what it wants, into which upload it comes, and taking its parts in. */
import type { ObjectRef, WriteStats } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { hex, objectKey } from '../core/hash.ts';
import { isRandomId, type SnapshotId, type VolsetId } from '../core/ids.ts';
import type { Offer, OfferAnswer, OfferSender, PartAnswer, Transfer } from '../core/peer.ts';
import { MAX_HAVE_IDS, MAX_LACKING, MAX_TRANSFER_SNAPSHOTS } from '../wire/limits.ts';
import type { Caller, TransferClaims } from '../wire/transfer-service.ts';
import { checkNumbers, checkOffer, decideOffers, numbersOf } from './answer-offers.ts';
import { type Desk, groupsOf } from './desk.ts';
import { bad, type DiffLimits, TRANSFER_LIMITS } from './diff-format.ts';
import { IntakeBudget } from './intake.ts';
import { putBody } from './put-body.ts';
import { receiveBlobDiff } from './receive.ts';
import { quotaLeft, Room, type Stock } from './room.ts';
import type { Upload } from './uploads.ts';

/** Blocks of all uploads together that are on their way through the engine. */
const INTAKE_BYTES = 64 * 1024 * 1024;
/** Of a part whose blocks use up a quota to the last byte: its header and markers still come. */
const MARKERS_BYTES = 1024 * 1024;

export class UploadServer {
  readonly counts = { parts: 0, deltas: 0, lacking: 0, sealed: 0 };
  readonly #desk: Desk;
  readonly #stock: Stock;
  readonly #budget = new IntakeBudget(INTAKE_BYTES);
  /** Upload ids that an answer in the making gives away. */
  readonly #giving = new Set<string>();

  constructor(desk: Desk, stock: Stock) {
    this.#desk = desk;
    this.#stock = stock;
  }

  async answerOffers(volset: VolsetId, offers: Offer[], caller: Caller, sender?: OfferSender): Promise<OfferAnswer[]> {
    checkNumbers(offers, sender);
    for (const offer of offers) checkOffer(volset, offer);
    const complete = await this.#desk.completeAmong(volset, offers);
    await this.#sealHeld(volset, offers, caller, complete, sender);
    const wanted = new Set(offers.map(({ id }) => id).filter((id) => !complete.has(id)));
    const reused = await this.#takeUp(volset, caller, wanted, sender);
    try {
      const room = await Room.of(this.#stock, volset, caller.owner, reused);
      const { answers, pins } = this.#answer(volset, offers, caller, complete, room, reused, sender);
      const lost = await this.#desk.pin(volset, pins);
      return answers.map((answer) =>
        answer.answer === 'want' && answer.base !== null && lost.has(answer.base) ? { ...answer, base: null } : answer,
      );
    } finally {
      for (const id of reused) this.#giving.delete(id);
    }
  }

  #answer(
    volset: VolsetId,
    offers: Offer[],
    { owner }: Caller,
    complete: ReadonlySet<SnapshotId>,
    room: Room,
    reused: string[],
    sender: OfferSender | undefined,
  ): { answers: OfferAnswer[]; pins: (Transfer & { ids: SnapshotId[] })[] } {
    const { answers, coming } = decideOffers(offers, complete, room);
    // The first stream leaves something behind, which the next might send again.
    let empty = reused.length === 0 && this.#desk.options.blob.isEmpty(volset);
    const ids = reused.values();
    const pins: (Transfer & { ids: SnapshotId[] })[] = [];
    for (const items of groupsOf(coming)) {
      const transfer = this.#desk.agree({
        volset,
        direction: 'up',
        owner,
        items,
        uploadId: ids.next().value,
        room: items.reduce((sum, item) => sum + item.room, 0),
        sender: sender?.self,
        numbers: numbersOf(offers, new Set(items.map(({ id }) => id)), sender),
      });
      pins.push({ ...transfer, ids: basesOf(items, complete) });
      for (const { id, base } of items)
        answers.set(id, { id, answer: 'want', base, ...(empty && { empty }), ...transfer });
      empty = false;
    }
    return { answers: offers.map(({ id }) => answers.get(id) as OfferAnswer), pins };
  }

  /** Of this volset and this upload only: nothing is said about data of others. */
  async have(claims: TransferClaims, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> {
    if (ids.byteLength % 32 !== 0 || ids.byteLength > MAX_HAVE_IDS * 32) {
      throw new PlaitError('protocol', 'have: a list of 1 to 4096 ids of 32 bytes is expected');
    }
    const { volset, uploadId, owner } = claims;
    const { blob } = this.#desk.options;
    // Nothing in quarantine: nothing to open.
    if (!this.#stock.uploads.find(uploadId) && !blob.unfinished(volset, owner).includes(uploadId)) {
      return blob.reader(volset).has(kind, ids);
    }
    this.#desk.open.touch(uploadId);
    return this.#stock.uploads.use(claims, async ({ receiver }) => receiver.has(kind, ids));
  }

  receive(claims: TransferClaims, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<PartAnswer> {
    const { volset, owner, uploadId } = claims;
    this.counts.parts++;
    return this.#stock.uploads.use(claims, async (upload) => {
      this.#desk.open.touch(uploadId);
      await this.#stock.usage.load();
      const limits = this.#partLimits(upload);
      const answer = await this.#takePart(claims, upload, counted(body, upload), limits, signal);
      if (quotaLeft(this.#stock, volset, owner) < 0) throw overQuota();
      this.#desk.open.touch(uploadId);
      return answer;
    });
  }

  async #takePart(
    claims: TransferClaims,
    upload: Upload,
    body: AsyncIterable<Uint8Array>,
    limits: DiffLimits,
    signal: AbortSignal,
  ): Promise<PartAnswer> {
    const { blob, manifest } = this.#desk.options;
    const { volset } = claims;
    const { receiver } = upload;
    const lacking = new Map<string, PartAnswer['lacking'][number]>();
    const { snapshots } = await receiveBlobDiff(
      {
        receiver,
        manifest,
        volset,
        signal,
        parts: true,
        alone: receiver.alone,
        budget: this.#budget,
        expected: new Set(claims.snapshots),
        completeRoot: (id) => this.#desk.completeRoot(volset, id),
        commit: (ids) => this.#commit(claims, ids),
        putBody: (bytes) => putBody(blob, volset, bytes),
        onPublished: (stats) => this.#charge(upload, stats),
        onDecoded: (targets) => {
          this.counts.deltas += targets;
        },
        onLacking: (refs) => {
          this.counts.lacking += refs.length;
          for (const ref of refs) lacking.set(objectKey(ref.kind, ref.id), lackingOf(ref));
        },
        // Its sender sees that it is not among those that are complete.
        onIncomplete: () => undefined,
      },
      body,
      limits,
    );
    await receiver.sync();
    return { snapshots, lacking: [...lacking.values()].slice(0, MAX_LACKING) };
  }

  /** Numbers are those that this very sender offered: nobody else's part can seal one of them for another snapshot. */
  async #commit({ volset, uploadId, owner }: TransferClaims, ids: SnapshotId[]): Promise<void> {
    if (quotaLeft(this.#stock, volset, owner) < 0) throw overQuota();
    const { sender, numbers = {} } = this.#desk.open.find(uploadId) ?? {};
    const sealed = ids.filter((id) => numbers[id] !== undefined);
    const seal = sender !== undefined && {
      key: { volset, sender, owner },
      numbers: Object.fromEntries(sealed.map((id) => [id, numbers[id]])),
    };
    await this.#desk.options.meta.setBlobs(volset, ids, seal && sealed.length > 0 ? { seal } : {});
    this.counts.sealed += sealed.length;
    this.#stock.uploads.published(uploadId);
  }

  /** Once for what was published; the figures are those of all publishes of this upload together. */
  async #charge(upload: Upload, { storedBytes }: WriteStats): Promise<void> {
    const bytes = storedBytes - upload.charged;
    upload.charged = storedBytes;
    await this.#stock.usage.add(upload.owner, bytes);
  }

  /** What the quotas leave, for one part. */
  #partLimits({ volset, owner, came }: Upload): DiffLimits {
    const left = quotaLeft(this.#stock, volset, owner);
    const ofUpload = this.#stock.limits.uploadBytes - came;
    if (left < 0 || ofUpload < 0) throw overQuota();
    return { ...TRANSFER_LIMITS, total: Math.min(left + MARKERS_BYTES, ofUpload) };
  }

  /**
   * Uploads of this bearer into this volset that were cut: the transfers to come go on with them. Never one that is
   * being received; one that was used lately only if the same store offers some of the same snapshots.
   */
  async #takeUp(
    volset: VolsetId,
    { owner }: Caller,
    wanted: ReadonlySet<SnapshotId>,
    sender: OfferSender | undefined,
  ): Promise<string[]> {
    const { uploads } = this.#stock;
    const count = Math.ceil(wanted.size / MAX_TRANSFER_SNAPSHOTS);
    if (count === 0) return [];
    const found = new Set([...uploads.idle(volset, owner), ...this.#desk.options.blob.unfinished(volset, owner)]);
    const taken: string[] = [];
    for (const uploadId of found) {
      if (taken.length === count) break;
      if (!isUploadId(uploadId) || this.#giving.has(uploadId)) continue;
      if (this.#desk.open.isOthers(uploadId, sender?.self, wanted)) continue;
      this.#giving.add(uploadId);
      if (await this.#reopen(volset, owner, uploadId, [...wanted])) taken.push(uploadId);
      else this.#giving.delete(uploadId);
    }
    return taken;
  }

  /** Opened at once: how much lies there decides whether the rest has room. */
  async #reopen(volset: VolsetId, owner: string, uploadId: string, snapshots: SnapshotId[]): Promise<boolean> {
    const claims: TransferClaims = { volset, direction: 'up', uploadId, snapshots, base: null, owner, expiresAt: 0 };
    try {
      return await this.#stock.uploads.use(claims, async () => true);
    } catch (error) {
      // Another process has it, or its place is damaged: a new one is as good.
      if (error instanceof PlaitError) return false;
      throw error;
    }
  }

  /** What is here already, and what never comes, is sealed with the answer. */
  async #sealHeld(
    volset: VolsetId,
    offers: Offer[],
    { owner }: Caller,
    complete: ReadonlySet<SnapshotId>,
    sender: OfferSender | undefined,
  ): Promise<void> {
    if (!sender) return;
    const held = numbersOf(offers, complete, sender) ?? {};
    const count = Object.keys(held).length;
    if (count === 0 && sender.missing.length === 0) return;
    await this.#desk.options.meta.seal({ volset, sender: sender.self, owner }, held, sender.missing);
    this.counts.sealed += count;
  }
}

const overQuota = (): PlaitError => bad('it takes more than this hub gives the volume set or the token', 'quota');
/** Those that are here, and do not only come. */
const basesOf = (items: { base: SnapshotId | null }[], complete: ReadonlySet<SnapshotId>): SnapshotId[] =>
  items.map(({ base }) => base).filter((base): base is SnapshotId => base !== null && complete.has(base));
const lackingOf = ({ kind, id }: ObjectRef): PartAnswer['lacking'][number] => ({ kind: kind as 0 | 1, id: hex(id) });
/** A store that is also worked with locally has downloads of its own in quarantine. */
const isUploadId = isRandomId;

async function* counted(body: AsyncIterable<Uint8Array>, upload: Upload): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    upload.came += piece.byteLength;
    yield piece;
  }
}
