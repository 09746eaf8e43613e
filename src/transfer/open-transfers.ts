/**
 * Transfers that a hub has agreed to and that have not ended: what each may move, which bases it relies on, how much room
 * it was promised. Lives in memory only, but for what must not be dropped (pins.ts); after a restart the token alone still
 * says enough to carry on.
 */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, StoreId } from '../core/ids.ts';
import type { TransferClaims } from '../wire/transfer-service.ts';
import { HeldPrefixes } from './held-prefixes.ts';

export interface OpenTransfer {
  claims: TransferClaims;
  /** Per snapshot, in the order of the claims. */
  bases: (SnapshotId | null)[];
  /** Uploads: who offered, where it said so, and its numbers of what it offered. */
  sender?: StoreId | undefined;
  numbers?: Record<SnapshotId, number> | undefined;
  /** Uploads: encoded bytes that have a place promised. */
  room?: number;
  /** Downloads: no deltas, please. */
  plain?: boolean;
}

interface Kept extends OpenTransfer {
  /** When it was agreed on. */
  since: number;
  /** The same, or when it was last used. */
  used: number;
  held?: [chunks: HeldPrefixes, nodes: HeldPrefixes];
  /** Downloads: streams of several that have been sent. */
  sent: Set<number>;
}

/** Bounds memory; a client that asks for more waits until its earlier ones ended or expired. */
const MAX_OPEN = 10_000;
const MAX_PER_OWNER = 1000;
/** Ids that one download may name as held, of each kind: 64 GiB of chunks of common size. */
const MAX_HELD = 1 << 20;
/** Bytes for what all of them have named. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** For so long after its last use a transfer is its client's, and the room that it was promised not for others. */
const PROMISE_MS = 60_000;

export class OpenTransfers {
  readonly #open = new Map<string, Kept>();
  readonly #perOwner = new Map<string, number>();
  readonly #now: () => number;
  readonly #ended: (uploadId: string) => void;

  /**
   * @param now milliseconds since the epoch
   * @param ended called for each that is here no longer
   */
  constructor(now: () => number, ended: (uploadId: string) => void = () => {}) {
    this.#now = now;
    this.#ended = ended;
  }

  /** One of the same upload id is replaced: the same bearer goes on with it. */
  add(transfer: OpenTransfer): void {
    const { owner, uploadId } = transfer.claims;
    this.close(uploadId);
    if (this.#open.size >= MAX_OPEN || this.#count(owner) >= MAX_PER_OWNER) this.#prune();
    if (this.#open.size >= MAX_OPEN || this.#count(owner) >= MAX_PER_OWNER) {
      throw new PlaitError('busy', 'too many transfers are open', { hint: 'let some end, then try again' });
    }
    const now = this.#now();
    this.#open.set(uploadId, { ...transfer, since: now, used: now, sent: new Set() });
    this.#perOwner.set(owner, this.#count(owner) + 1);
  }

  find(uploadId: string): OpenTransfer | undefined {
    return this.#open.get(uploadId);
  }

  /** When it was agreed on. */
  since(uploadId: string): number | undefined {
    return this.#open.get(uploadId)?.since;
  }

  touch(uploadId: string): void {
    const kept = this.#open.get(uploadId);
    if (kept) kept.used = this.#now();
  }

  /** Somebody else may still be at it: used lately, and not by this sender for some of these snapshots. */
  isOthers(uploadId: string, sender: StoreId | undefined, wanted: ReadonlySet<SnapshotId>): boolean {
    const kept = this.#open.get(uploadId);
    if (!kept || !this.#isFresh(kept)) return false;
    return kept.sender !== sender || !kept.claims.snapshots.some((id) => wanted.has(id));
  }

  close(uploadId: string): void {
    const transfer = this.#open.get(uploadId);
    if (!transfer) return;
    this.#open.delete(uploadId);
    const { owner } = transfer.claims;
    const left = this.#count(owner) - 1;
    if (left > 0) this.#perOwner.set(owner, left);
    else this.#perOwner.delete(owner);
    this.#ended(uploadId);
  }

  /** These can be no base of it any more. */
  lose(uploadId: string, lost: ReadonlySet<SnapshotId>): void {
    const transfer = this.#open.get(uploadId);
    if (transfer) transfer.bases = transfer.bases.map((base) => (base !== null && lost.has(base) ? null : base));
  }

  /** Nothing is coming at the moment: others may have its room. */
  release(uploadId: string): void {
    const transfer = this.#open.get(uploadId);
    if (transfer) transfer.room = 0;
  }

  /**
   * Bytes promised to uploads that have not come yet.
   * @param done bytes of an upload that have come; undefined: it has not begun
   */
  promised(
    done: (uploadId: string) => number | undefined,
    counts: (claims: TransferClaims) => boolean = () => true,
  ): number {
    let sum = 0;
    for (const kept of this.#open.values()) {
      const { claims, room = 0 } = kept;
      if (room === 0 || !counts(claims)) continue;
      const come = done(claims.uploadId);
      if (come === undefined && !this.#isFresh(kept)) continue;
      sum += Math.max(0, room - (come ?? 0));
    }
    return sum;
  }

  /** Remembers what the receiver of a download holds, as far as there is room; the rest is sent again. */
  hold(claims: TransferClaims, kind: 0 | 1, prefixes: Uint8Array): void {
    if (!this.#open.has(claims.uploadId)) this.add({ claims, bases: [claims.base] });
    const transfer = this.#open.get(claims.uploadId) as Kept;
    // A table that grows doubles, and is at most three quarters full.
    const room = (): boolean => this.#heldBytes() + prefixes.byteLength * 4 <= MAX_HELD_BYTES;
    if (!room()) this.#prune();
    if (!room()) return;
    transfer.held ??= [new HeldPrefixes(MAX_HELD), new HeldPrefixes(MAX_HELD)];
    transfer.held[kind].add(prefixes);
  }

  /** True for what is to be left out of a download. */
  skip(uploadId: string): ((kind: 0 | 1, id: Uint8Array) => boolean) | undefined {
    const held = this.#open.get(uploadId)?.held;
    return held && ((kind, id) => held[kind].has(id));
  }

  /** One of `of` streams of a download has been sent; with the last one it ends. */
  sent(uploadId: string, index: number, of: number): void {
    const transfer = this.#open.get(uploadId);
    if (transfer?.sent.add(index).size === of) this.close(uploadId);
  }

  #isFresh({ used }: Kept): boolean {
    return used + PROMISE_MS > this.#now();
  }

  #heldBytes(): number {
    let sum = 0;
    for (const { held } of this.#open.values()) for (const prefixes of held ?? []) sum += prefixes.bytes;
    return sum;
  }

  #count(owner: string): number {
    return this.#perOwner.get(owner) ?? 0;
  }

  #prune(): void {
    const now = this.#now();
    for (const [id, { claims }] of this.#open) if (claims.expiresAt <= now) this.close(id);
  }
}
