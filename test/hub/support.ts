/** A real hub on a free port, with metadata in memory and a transfer service that keeps what it is sent. */
import { createHash } from 'node:crypto';
import { PlaitError } from '../../src/core/errors.ts';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { BranchId, InstallId, NodeId, SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import type { Offer, OfferAnswer, Sender, Share, Want, WantAnswer } from '../../src/core/peer.ts';
import type { AnyRecord, Generation, SnapshotBody } from '../../src/core/records.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import type {
  Caller,
  Hub,
  HubOptions,
  LogLine,
  Right,
  TransferClaims,
  TransferService,
  TransferStats,
  TransferTokens,
} from '../../src/hub/contract.ts';
import { createHub, createTransferTokens, newToken } from '../../src/hub/index.ts';
import { openPeer, type PeerOptions } from '../../src/remote/index.ts';
import { transferPath } from '../../src/wire/transfer-service.ts';
import { asyncMeta, MemoryMeta } from './memory-meta.ts';

export const VOLSET = 'a1'.repeat(16) as VolsetId;
export const OTHER = 'b2'.repeat(16) as VolsetId;
export const BRANCH = 'c3'.repeat(16) as BranchId;
export const SELF: StoreId = storeId('d4'.repeat(16) as InstallId, 1);
/** What a push says about SELF. */
export const SENDER: Sender = { label: 'laptop', vector: {} };

/** Keeps uploads in memory; one upload id per offer round. */
export class MemoryTransfers implements TransferService {
  readonly stored = new Map<SnapshotId, Buffer>();
  readonly meta: MemoryMeta;
  readonly tokens: TransferTokens;
  /** Fails in the middle of a download, when set. */
  breakDownload = false;
  /** Refuses an upload after its first piece, when set. */
  refuseUpload = false;
  /** What downloads were told to leave out. */
  readonly held: { kind: 0 | 1; prefixes: Buffer }[] = [];
  /** Of the last download. */
  share: Share | undefined;
  /** Bytes of uploads so far. */
  received = 0;
  /** Why the last upload was stopped from outside. */
  stopped: PlaitError | undefined;
  #uploads = 0;

  constructor(meta: MemoryMeta, tokens: TransferTokens) {
    this.meta = meta;
    this.tokens = tokens;
  }

  async answerOffers(volset: VolsetId, offers: Offer[], caller: Caller): Promise<OfferAnswer[]> {
    const snapshots = offers.map((o) => o.id).filter((id) => !this.stored.has(id));
    const transfer = this.grant({ volset, direction: 'up', snapshots, owner: caller.owner });
    return offers.map(({ id }) =>
      this.stored.has(id) ? { id, answer: 'have' } : { id, answer: 'want', base: null, ...transfer },
    );
  }

  async answerRequests(volset: VolsetId, wants: Want[], caller: Caller): Promise<WantAnswer[]> {
    const snapshots = wants.map((w) => w.id).filter((id) => this.stored.has(id));
    const transfer = this.grant({ volset, direction: 'down', snapshots, owner: caller.owner });
    return wants.map(({ id }) =>
      this.stored.has(id) ? { id, answer: 'available', base: null, bytes: 1, ...transfer } : { id, answer: 'absent' },
    );
  }

  grant(claims: Omit<TransferClaims, 'uploadId' | 'base' | 'expiresAt'>, expiresAt = Date.now() + 60_000) {
    const uploadId = (++this.#uploads).toString(16).padStart(32, '0');
    const token = this.tokens.sign({ ...claims, uploadId, base: null, expiresAt });
    return { url: transferPath(uploadId), token, expiresAt };
  }

  async have(_claims: TransferClaims, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> {
    return Uint8Array.from({ length: ids.length / 32 }, (_, i) => (ids[i * 32] === kind ? 1 : 0));
  }

  async receive(claims: TransferClaims, body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    const pieces: Uint8Array[] = [];
    signal.addEventListener('abort', () => {
      this.stopped = signal.reason as PlaitError;
    });
    for await (const piece of body) {
      if (this.refuseUpload) throw new PlaitError('integrity', 'a block is damaged', { hint: 'send it again' });
      this.received += piece.length;
      pieces.push(piece);
    }
    for (const id of claims.snapshots) this.stored.set(id, Buffer.concat(pieces));
    this.meta.setBlobs(claims.volset, claims.snapshots);
    return { snapshots: claims.snapshots, lacking: [] };
  }

  async hold(_claims: TransferClaims, kind: 0 | 1, prefixes: Uint8Array): Promise<void> {
    this.held.push({ kind, prefixes: Buffer.from(prefixes) });
  }

  stats(): TransferStats {
    return { openUploads: 1, quarantineBytes: 2, parts: 3, deltas: 4, lacking: 5, sealed: 6 };
  }

  async close(): Promise<void> {}

  async *send(claims: TransferClaims, _signal?: AbortSignal, share?: Share): AsyncGenerator<Uint8Array> {
    this.share = share;
    for (const id of claims.snapshots) {
      const bytes = this.stored.get(id);
      if (!bytes) throw new PlaitError('blob-absent', 'the data is gone');
      for (let i = 0; i < bytes.length; i += 65_536) {
        yield bytes.subarray(i, i + 65_536);
        if (this.breakDownload) throw new Error('disk on fire');
      }
    }
  }
}

export interface TestHub extends AsyncDisposable {
  hub: Hub;
  meta: MemoryMeta;
  transfers: MemoryTransfers;
  log: LogLine[];
  url: string;
  /** Makes a token; returns its text. */
  token(can: Right[], options?: { volset?: string; expires?: number | null; label?: string }): string;
}

export async function startHub(options: Partial<HubOptions> = {}): Promise<TestHub> {
  const meta = new MemoryMeta();
  const transferTokens = createTransferTokens(Buffer.alloc(32, 7));
  const transfers = new MemoryTransfers(meta, transferTokens);
  const log: LogLine[] = [];
  const hub = await createHub({
    meta: asyncMeta(meta),
    transfer: transfers,
    transferTokens,
    log: (line) => log.push(line),
    cutEveryMs: 0,
    ...options,
  });
  let made = 0;
  return {
    hub,
    meta,
    transfers,
    log,
    url: hub.url,
    token: (can, { volset = '*', expires = null, label = 'test' } = {}) => {
      const random = (bytes: number) => createHash('sha256').update(`${++made}`).digest().subarray(0, bytes);
      const { text, row } = newToken({ volset, can, label, expires }, random, Date.now());
      meta.tokens = [...meta.tokens, row];
      return text;
    },
    [Symbol.asyncDispose]: () => hub.close(),
  };
}

export const peerOf = (url: string, options: Partial<PeerOptions> = {}) =>
  openPeer({ url, self: SELF, ...options, fetchOptions: { retries: 0, ...options.fetchOptions } });

let lastStamp = 0;
const stamp = (): string => (++lastStamp).toString(16).padStart(16, '0');
const write = (register: string, value: string): AnyRecord => ({
  type: 'write',
  register,
  value,
  parents: [],
  stamp: stamp(),
  author: SELF,
});

export const body = (parents: SnapshotId[], created: number, volset = VOLSET): SnapshotBody => ({
  type: 'snapshot',
  volset,
  parents,
  root: '0'.repeat(64) as NodeId,
  created,
  creator: 'me@here',
  files: 1,
  bytes: 10,
});

/** Two generations of one store: a volset with a branch, and a line of two snapshots. */
export function sampleHistory(volset = VOLSET, name = 'data') {
  const first = body([], 1, volset);
  const second = body([idOfBody(first)], 2, volset);
  const names = [write('volset:name', name), write(`branch:${BRANCH}:name`, 'main')];
  const one = makeGeneration(volset, SELF, 1, NO_GENERATION, names);
  const two = makeGeneration(volset, SELF, 2, one.hash, [first, second]);
  return { generations: [one, two] as Generation[], first, second, ids: [idOfBody(first), idOfBody(second)] };
}

export const rejectsWith =
  (code: string, message?: RegExp) =>
  (error: unknown): true => {
    if (!(error instanceof PlaitError)) throw error;
    if (error.code !== code)
      throw new Error(`code ${error.code} instead of ${code}: ${error.message}`, { cause: error });
    if (message && !message.test(error.message)) throw new Error(`message does not match ${message}: ${error.message}`);
    return true;
  };
