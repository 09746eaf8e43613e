/**
 * Transfers that a hub has agreed to and that have not ended: what each may move, which bases it relies on. Lives in
 * memory only; after a restart the token alone still says enough to carry on.
 */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { TransferClaims } from '../wire/transfer-service.ts';

export interface OpenTransfer {
  claims: TransferClaims;
  /** Per snapshot, in the order of the claims. */
  bases: (SnapshotId | null)[];
}

/** Bounds memory; a client that asks for more waits until its earlier ones ended or expired. */
const MAX_OPEN = 10_000;
const MAX_PER_OWNER = 1000;

export class OpenTransfers {
  readonly #open = new Map<string, OpenTransfer>();
  readonly #perOwner = new Map<string, number>();
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(transfer: OpenTransfer): void {
    const { owner, uploadId } = transfer.claims;
    if (this.#open.size >= MAX_OPEN || this.#count(owner) >= MAX_PER_OWNER) this.#prune();
    if (this.#open.size >= MAX_OPEN || this.#count(owner) >= MAX_PER_OWNER) {
      throw new PlaitError('busy', 'too many transfers are open', { hint: 'let some end, then try again' });
    }
    this.#open.set(uploadId, transfer);
    this.#perOwner.set(owner, this.#count(owner) + 1);
  }

  find(uploadId: string): OpenTransfer | undefined {
    return this.#open.get(uploadId);
  }

  close(uploadId: string): void {
    const transfer = this.#open.get(uploadId);
    if (!transfer) return;
    this.#open.delete(uploadId);
    const { owner } = transfer.claims;
    const left = this.#count(owner) - 1;
    if (left > 0) this.#perOwner.set(owner, left);
    else this.#perOwner.delete(owner);
  }

  /** Snapshots that gc must keep for now: bases, and what is being sent. */
  pinned(volset: VolsetId): Set<SnapshotId> {
    this.#prune();
    const pinned = new Set<SnapshotId>();
    for (const { claims, bases } of this.#open.values()) {
      if (claims.volset !== volset) continue;
      for (const base of bases) if (base !== null) pinned.add(base);
      if (claims.direction === 'down') for (const id of claims.snapshots) pinned.add(id);
    }
    return pinned;
  }

  #count(owner: string): number {
    return this.#perOwner.get(owner) ?? 0;
  }

  #prune(): void {
    const now = this.#now();
    for (const [id, { claims }] of this.#open) if (claims.expiresAt <= now) this.close(id);
  }
}
