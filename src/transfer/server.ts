/** The hub's side of transfers: both directions behind the one contract that routes know. */
import type { VolsetId } from '../core/ids.ts';
import type { Offer, OfferAnswer, OfferSender, PartAnswer, Share, Want, WantAnswer } from '../core/peer.ts';
import type {
  Caller,
  OpenTransferView,
  TransferClaims,
  TransferService,
  TransferStats,
} from '../wire/transfer-service.ts';
import { Desk, type DeskOptions } from './desk.ts';
import { InProgress } from './in-progress.ts';
import { OpenTransfers } from './open-transfers.ts';
import { Pins } from './pins.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './room.ts';
import { DownloadServer } from './serve-downloads.ts';
import { UploadServer } from './serve-uploads.ts';
import { Uploads, type UploadsOptions } from './uploads.ts';
import { Usage } from './usage.ts';

export type { ServerLimits } from './room.ts';

export interface TransferServerOptions
  extends DeskOptions,
    Pick<UploadsOptions, 'idleMs' | 'maxOpen' | 'timer' | 'onFailure'> {
  limits?: Partial<ServerLimits>;
}

export class TransferServer implements TransferService {
  readonly agreed: OpenTransfers;
  readonly #options: TransferServerOptions;
  readonly #uploads: Uploads;
  readonly #up: UploadServer;
  readonly #down: DownloadServer;
  readonly #usage: Usage;
  readonly #passing: InProgress;

  constructor(options: TransferServerOptions) {
    this.#options = options;
    const { blob, meta, idleMs, maxOpen, timer, onFailure } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const pins = new Pins({ meta, now: options.now, onFailure });
    this.agreed = new OpenTransfers(options.now, (uploadId) => {
      pins.release(uploadId);
      this.#passing.forget(uploadId);
    });
    this.#uploads = new Uploads({
      blob,
      incomplete: async (volset, ids) => meta.missingBlobs(volset, ids),
      onEnd: (uploadId, how) => (how === 'remove' ? this.agreed.close(uploadId) : this.agreed.release(uploadId)),
      idleMs,
      maxOpen,
      timer,
      onFailure,
    });
    this.#passing = new InProgress({
      now: options.now,
      since: (uploadId) => this.agreed.since(uploadId),
      expects: (uploadId) => this.#uploads.find(uploadId) !== undefined,
    });
    const desk = new Desk(options, this.agreed, pins, limits.tokenMs);
    this.#usage = new Usage(meta);
    const stock = { blob, limits, uploads: this.#uploads, open: this.agreed, usage: this.#usage };
    this.#up = new UploadServer(desk, stock);
    this.#down = new DownloadServer(desk);
  }

  answerOffers(volset: VolsetId, offers: Offer[], caller: Caller, sender?: OfferSender): Promise<OfferAnswer[]> {
    return this.#up.answerOffers(volset, offers, caller, sender);
  }

  answerRequests(volset: VolsetId, wants: Want[], caller: Caller): Promise<WantAnswer[]> {
    return this.#down.answerRequests(volset, wants, caller);
  }

  have(claims: TransferClaims, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array> {
    return this.#up.have(claims, kind, ids);
  }

  receive(claims: TransferClaims, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<PartAnswer> {
    return this.#up.receive(claims, this.#passing.counted(claims, body), signal);
  }

  async hold(claims: TransferClaims, kind: 0 | 1, prefixes: Uint8Array): Promise<void> {
    this.#down.hold(claims, kind, prefixes);
  }

  send(claims: TransferClaims, signal: AbortSignal, share?: Share): AsyncGenerator<Uint8Array> {
    return this.#passing.counted(claims, this.#down.send(claims, signal, share));
  }

  stats(): TransferStats {
    const quarantineBytes = this.#options.blob.quarantineBytes();
    return { openUploads: this.#uploads.open, quarantineBytes, ...this.#up.counts };
  }

  open(): OpenTransferView[] {
    return this.#passing.list();
  }

  async space(volsets: VolsetId[]): Promise<{ freeBytes: number; storedBytes: Record<VolsetId, number> }> {
    const { blob } = this.#options;
    const storedBytes: Record<VolsetId, number> = {};
    for (const volset of volsets) storedBytes[volset] = blob.packs(volset).reduce((sum, { bytes }) => sum + bytes, 0);
    return { freeBytes: await blob.freeBytes(), storedBytes };
  }

  /** Requests in progress must have ended. */
  close(): Promise<void> {
    return this.#uploads.close();
  }
}
