/** Whether what is offered may come: the disk, quotas of a volset and of a bearer, less what others were promised. */
import type { BlobStore } from '../blob/contract.ts';
import type { VolsetId } from '../core/ids.ts';
import type { Declined, Offer } from '../core/peer.ts';
import type { OpenTransfers } from './open-transfers.ts';
import type { Uploads } from './uploads.ts';
import type { Usage } from './usage.ts';

export interface ServerLimits {
  /** File bytes of one offered snapshot; larger ones are declined. */
  snapshotBytes: number;
  /** Bytes of one upload; more ends it with `quota`. */
  uploadBytes: number;
  /** Stored bytes of one volset, those in quarantine included. */
  volsetBytes: number;
  /** Bytes in quarantine of one bearer. */
  quarantineBytes: number;
  /** Stored bytes that a bearer may add in all. */
  tokenBytes: number;
  /** The same of single bearers, by the id of their token. */
  tokenBytesOf: Readonly<Record<string, number>>;
  /** Milliseconds that a transfer token is good for. */
  tokenMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  snapshotBytes: Number.POSITIVE_INFINITY,
  uploadBytes: Number.POSITIVE_INFINITY,
  volsetBytes: Number.POSITIVE_INFINITY,
  quarantineBytes: Number.POSITIVE_INFINITY,
  tokenBytes: Number.POSITIVE_INFINITY,
  tokenBytesOf: {},
  tokenMs: 60 * 60 * 1000,
};

/** Bytes of disk that offers leave alone: index, metadata, logs. */
const RESERVE = 16 * 1024 * 1024;

type Refusal = Pick<Declined, 'reason' | 'code' | 'lasting'>;
const TOO_LARGE: Refusal = {
  reason: 'quota: its files are more than this hub takes in one snapshot',
  code: 'quota',
  lasting: true,
};
const NO_SPACE: Refusal = { reason: 'no space: its data does not fit the disk of this hub', code: 'no-space' };
const VOLSET_FULL: Refusal = { reason: 'quota: the volume set would take more than this hub gives it', code: 'quota' };
const OWNER_FULL: Refusal = { reason: 'quota: too much of this token has not been completed yet', code: 'quota' };
const TOKEN_FULL: Refusal = { reason: 'quota: the token has added as much as this hub lets it add', code: 'quota' };

export interface Stock {
  blob: BlobStore;
  limits: ServerLimits;
  uploads: Uploads;
  open: OpenTransfers;
  usage: Usage;
}

/** Bytes that the volset takes: packs, and what uploads have in quarantine. */
export function volsetBytes({ blob, uploads }: Stock, volset: VolsetId): number {
  let sum = blob.packs(volset).reduce((bytes, pack) => bytes + pack.bytes, 0);
  for (const upload of uploads.all()) if (upload.volset === volset) sum += upload.bytes;
  return sum;
}

/** What this bearer may still add, less what it has in quarantine. */
function tokenLeft({ blob, limits, usage }: Stock, owner: string): number {
  const max = Object.hasOwn(limits.tokenBytesOf, owner) ? limits.tokenBytesOf[owner] : limits.tokenBytes;
  return Number.isFinite(max) ? max - usage.of(owner) - blob.quarantineBytes(owner) : max;
}

/** Bytes that may still come for this volset and bearer, whatever was announced. Needs `usage` loaded. */
export function quotaLeft(stock: Stock, volset: VolsetId, owner: string): number {
  const { blob, limits } = stock;
  const ofVolset = Number.isFinite(limits.volsetBytes)
    ? limits.volsetBytes - volsetBytes(stock, volset)
    : Number.POSITIVE_INFINITY;
  const ofOwner = Number.isFinite(limits.quarantineBytes)
    ? limits.quarantineBytes - blob.quarantineBytes(owner)
    : Number.POSITIVE_INFINITY;
  return Math.min(ofVolset, ofOwner, tokenLeft(stock, owner));
}

/** Decides about the offers of one request, one after the other: what one is promised is not there for the next. */
export class Room {
  readonly #limits: ServerLimits;
  readonly #left: [bytes: number, refusal: Refusal][];

  private constructor(limits: ServerLimits, left: [number, Refusal][]) {
    this.#limits = limits;
    this.#left = left;
  }

  /** @param reused Uploads that go on with these offers: what lies there already need not come. */
  static async of(stock: Stock, volset: VolsetId, owner: string, reused: string[]): Promise<Room> {
    const { blob, limits, uploads, open, usage } = stock;
    await usage.load();
    const again = new Set(reused);
    const done = (id: string): number | undefined => uploads.find(id)?.done;
    const promised = (counts: (claims: { volset: VolsetId; owner: string }) => boolean): number =>
      open.promised(done, (claims) => !again.has(claims.uploadId) && counts(claims));
    const credit = reused.reduce((sum, id) => sum + (uploads.find(id)?.bytes ?? 0), 0);
    const left: [number, Refusal][] = [[(await blob.freeBytes()) - RESERVE - promised(() => true), NO_SPACE]];
    if (Number.isFinite(limits.volsetBytes)) {
      const taken = volsetBytes(stock, volset) + promised((claims) => claims.volset === volset);
      left.push([limits.volsetBytes - taken, VOLSET_FULL]);
    }
    if (Number.isFinite(limits.quarantineBytes)) {
      const taken = blob.quarantineBytes(owner) + promised((claims) => claims.owner === owner);
      left.push([limits.quarantineBytes - taken, OWNER_FULL]);
    }
    const ofToken = tokenLeft(stock, owner);
    if (Number.isFinite(ofToken)) left.push([ofToken - promised((claims) => claims.owner === owner), TOKEN_FULL]);
    return new Room(
      limits,
      left.map(([bytes, refusal]) => [bytes + credit, refusal]),
    );
  }

  /**
   * Why it may not come; otherwise it has its room. How much comes beside a base cannot be known: it is declined only
   * where nothing is left, and what is too much ends its upload.
   */
  take({ body, bytes }: Pick<Offer, 'body' | 'bytes'>, hasBase: boolean): Refusal | undefined {
    if (body.bytes > this.#limits.snapshotBytes) return TOO_LARGE;
    for (const [left, refusal] of this.#left) if (hasBase ? left <= 0 : bytes > left) return refusal;
    if (!hasBase) for (const row of this.#left) row[0] -= bytes;
    return undefined;
  }
}
