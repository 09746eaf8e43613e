/** The hub's side of transfers: answers offers and requests, takes blob diffs in, sends them out. */
import type { BlobReceiver, BlobStore } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import type { MaybeAsync } from '../core/async.ts';
import { PlaitError } from '../core/errors.ts';
import { KIND, snapshotId, unhex } from '../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { Offer, OfferAnswer, Transfer, Want, WantAnswer } from '../core/peer.ts';
import { decodeSnapshotBody, encodeSnapshotBody } from '../core/snapshot-body.ts';
import type { MetaStore } from '../meta/contract.ts';
import { MAX_HAVE_IDS, MAX_TRANSFER_SNAPSHOTS } from '../wire/limits.ts';
import {
  type Caller,
  type TransferClaims,
  type TransferService,
  type TransferTokens,
  transferPath,
} from '../wire/transfer-service.ts';
import { writeBlobDiff } from './blob-diff.ts';
import { TRANSFER_LIMITS } from './diff-format.ts';
import { OpenTransfers } from './open-transfers.ts';
import { putBody } from './put-body.ts';
import { type ReceiveOptions, receiveBlobDiff } from './receive.ts';
import { type Outgoing, sendEntries } from './send.ts';

export interface TransferServerOptions {
  blob: BlobStore;
  manifest: Manifest;
  meta: MaybeAsync<Pick<MetaStore, 'findSnapshot' | 'missingBlobs' | 'setBlobs'>>;
  tokens: TransferTokens;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** 32 random hex digits. */
  randomId: () => string;
  limits?: Partial<ServerLimits>;
}

export interface ServerLimits {
  /** File bytes of one offered snapshot; larger ones are declined. */
  snapshotBytes: number;
  /** Bytes of one upload; more ends it with `quota`. */
  uploadBytes: number;
  /** Milliseconds that a transfer token is good for. */
  tokenMs: number;
}

const DEFAULT_LIMITS: ServerLimits = {
  snapshotBytes: Number.POSITIVE_INFINITY,
  uploadBytes: Number.POSITIVE_INFINITY,
  tokenMs: 60 * 60 * 1000,
};

/** Bytes of disk that offers leave alone: index, metadata, logs. */
const RESERVE = 16 * 1024 * 1024;
const TOO_LARGE = { reason: 'it is larger than this hub takes', code: 'quota' } as const;
const NO_SPACE = { reason: 'no space: its data does not fit the disk of this hub', code: 'no-space' } as const;

/** Snapshots that share one transfer, oldest first, with the base chosen for each. */
interface Group {
  items: { id: SnapshotId; base: SnapshotId | null }[];
}

export class TransferServer implements TransferService {
  /** For gc: bases and snapshots in use. */
  readonly open: OpenTransfers;
  readonly #options: TransferServerOptions;
  readonly #limits: ServerLimits;
  readonly #receivers = new Map<string, BlobReceiver>();
  readonly #receiving = new Set<string>();

  constructor(options: TransferServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.open = new OpenTransfers(options.now);
  }

  async answerOffers(volset: VolsetId, offers: Offer[], caller: Caller): Promise<OfferAnswer[]> {
    const complete = await this.#completeAmong(volset, offers);
    const coming = new Set<SnapshotId>();
    const wanted: Group['items'] = [];
    const answers = new Map<SnapshotId, OfferAnswer>();
    let room = (await this.#options.blob.freeBytes()) - RESERVE;
    for (const { id, body, bytes, baseCandidates } of offers) {
      checkOffer(volset, { id, body });
      if (coming.has(id)) continue;
      if (complete.has(id)) answers.set(id, { id, answer: 'have' });
      else if (body.bytes > this.#limits.snapshotBytes) answers.set(id, { id, answer: 'declined', ...TOO_LARGE });
      else {
        const base = baseCandidates.find((c) => coming.has(c) || complete.has(c)) ?? null;
        // How much comes beside a base cannot be known; a disk that is full by then ends the upload.
        if (base === null && bytes > room) {
          answers.set(id, { id, answer: 'declined', ...NO_SPACE });
          continue;
        }
        if (base === null) room -= bytes;
        wanted.push({ id, base });
        coming.add(id);
      }
    }
    // The first stream leaves something behind, which the next might send again.
    let empty = this.#options.blob.isEmpty(volset);
    for (const group of groupsOf(wanted)) {
      const transfer = { ...this.#agree(volset, group, 'up', caller), ...(empty && { empty }) };
      for (const { id, base } of group.items) answers.set(id, { id, answer: 'want', base, ...transfer });
      empty = false;
    }
    return offers.map(({ id }) => answers.get(id) as OfferAnswer);
  }

  async answerRequests(volset: VolsetId, wants: Want[], caller: Caller): Promise<WantAnswer[]> {
    const complete = await this.#completeAmong(volset, wants);
    const coming = new Set<SnapshotId>();
    const items: Group['items'] = [];
    const sizes = new Map<SnapshotId, number>();
    for (const { id, baseCandidates } of wants) {
      const view = await this.#options.meta.findSnapshot(volset, id);
      if (!view?.hasBlob || coming.has(id)) continue;
      items.push({ id, base: baseCandidates.find((c) => coming.has(c) || complete.has(c)) ?? null });
      sizes.set(id, view.body.bytes);
      coming.add(id);
    }
    const answers = new Map<SnapshotId, WantAnswer>();
    for (const group of groupsOf(items)) {
      const transfer = this.#agree(volset, group, 'down', caller);
      for (const { id, base } of group.items) {
        answers.set(id, { id, answer: 'available', base, bytes: sizes.get(id) as number, ...transfer });
      }
    }
    return wants.map(({ id }) => answers.get(id) ?? { id, answer: 'absent' });
  }

  /** Of this volset and this upload only: nothing is said about data of others. */
  async have(claims: TransferClaims, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> {
    if (ids.byteLength % 32 !== 0 || ids.byteLength > MAX_HAVE_IDS * 32) {
      throw new PlaitError('protocol', 'have: a list of 1 to 4096 ids of 32 bytes is expected');
    }
    const source = this.#receivers.get(claims.uploadId) ?? this.#options.blob.reader(claims.volset);
    return source.has(kind, ids);
  }

  async receive(
    claims: TransferClaims,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<{ snapshots: SnapshotId[] }> {
    const { blob, manifest, meta } = this.#options;
    const { volset, uploadId } = claims;
    if (this.#receiving.has(uploadId)) throw new PlaitError('busy', 'this upload is being received already');
    this.#receiving.add(uploadId);
    try {
      await using receiver = await blob.receiver(volset, uploadId);
      this.#receivers.set(uploadId, receiver);
      const options: ReceiveOptions = {
        receiver,
        manifest,
        volset,
        signal,
        expected: new Set(claims.snapshots),
        completeRoot: (id) => this.#completeRoot(volset, id),
        commit: (ids) => meta.setBlobs(volset, ids),
        putBody: (bytes) => putBody(blob, volset, bytes),
      };
      const limits = { ...TRANSFER_LIMITS, total: this.#limits.uploadBytes };
      const { snapshots } = await receiveBlobDiff(options, body, limits);
      this.open.close(uploadId);
      return { snapshots };
    } finally {
      this.#receivers.delete(uploadId);
      this.#receiving.delete(uploadId);
    }
  }

  async *send(claims: TransferClaims, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { blob, manifest } = this.#options;
    const { volset, uploadId } = claims;
    const outgoing = await this.#outgoing(claims);
    const header = { volset, snapshots: outgoing.map(({ id, base }) => ({ id, base: base?.id ?? null })) };
    const reader = blob.reader(volset);
    yield* writeBlobDiff(header, sendEntries({ reader, manifest, signal }, outgoing));
    this.open.close(uploadId);
  }

  /** The bases agreed on, or, after a restart, the one that the token names. */
  async #outgoing({ volset, uploadId, snapshots, base: first }: TransferClaims): Promise<Outgoing[]> {
    const bases = this.open.find(uploadId)?.bases ?? [first];
    const earlier = new Set<SnapshotId>();
    const outgoing: Outgoing[] = [];
    for (const [n, id] of snapshots.entries()) {
      const view = await this.#options.meta.findSnapshot(volset, id);
      if (!view?.hasBlob)
        throw new PlaitError('blob-absent', `the data of snapshot ${id.slice(0, 12)} is not here any more`);
      const base = bases.at(n) ?? null;
      const root = base === null || earlier.has(base) ? undefined : await this.#completeRoot(volset, base);
      const usable = base !== null && (root !== undefined || earlier.has(base));
      outgoing.push({ id, body: view.body, base: usable ? { id: base, root } : null });
      earlier.add(id);
    }
    return outgoing;
  }

  #agree(volset: VolsetId, { items }: Group, direction: 'up' | 'down', { owner }: Caller): Transfer {
    const { now, randomId, tokens } = this.#options;
    const bases = items.map(({ base }) => base);
    const claims: TransferClaims = {
      volset,
      direction,
      uploadId: randomId(),
      snapshots: items.map(({ id }) => id),
      base: bases[0],
      owner,
      expiresAt: now() + this.#limits.tokenMs,
    };
    this.open.add({ claims, bases });
    return { url: transferPath(claims.uploadId), token: tokens.sign(claims), expiresAt: claims.expiresAt };
  }

  /** Of all that is named, what is complete here, whether or not its record is: a push brings blobs before records. */
  async #completeAmong(volset: VolsetId, named: Want[]): Promise<Set<SnapshotId>> {
    const ids = new Set(named.flatMap(({ id, baseCandidates }) => [id, ...baseCandidates]));
    for (const missing of await this.#options.meta.missingBlobs(volset, [...ids])) ids.delete(missing);
    return ids;
  }

  async #completeRoot(volset: VolsetId, id: SnapshotId): Promise<NodeId | undefined> {
    if ((await this.#options.meta.missingBlobs(volset, [id])).length > 0) return undefined;
    const view = await this.#options.meta.findSnapshot(volset, id);
    if (view) return view.body.root;
    const bytes = this.#options.blob.reader(volset).readObject(KIND.snapshot, unhex(id));
    return decodeSnapshotBody(bytes, volset).root;
  }
}

/** The body decides which root is received under the id: it must be the id's own. */
function checkOffer(volset: VolsetId, { id, body }: Pick<Offer, 'id' | 'body'>): void {
  const bytes = encodeSnapshotBody(body);
  decodeSnapshotBody(bytes, volset);
  if (snapshotId(bytes) !== id)
    throw new PlaitError('integrity', 'an offered snapshot does not have the id that its body gives');
}

function groupsOf(items: Group['items']): Group[] {
  const groups: Group[] = [];
  for (let i = 0; i < items.length; i += MAX_TRANSFER_SNAPSHOTS)
    groups.push({ items: items.slice(i, i + MAX_TRANSFER_SNAPSHOTS) });
  return groups;
}
