/** What both directions of a hub's transfers share: what is complete here, how a transfer is agreed on. */
import type { BlobStore } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import type { MaybeAsync } from '../core/async.ts';
import { KIND, unhex } from '../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { Transfer, Want } from '../core/peer.ts';
import { decodeSnapshotBody } from '../core/snapshot-body.ts';
import type { MetaStore } from '../meta/contract.ts';
import { MAX_TRANSFER_SNAPSHOTS } from '../wire/limits.ts';
import { type TransferClaims, type TransferTokens, transferPath } from '../wire/transfer-service.ts';
import { inBatches } from './negotiation.ts';
import type { OpenTransfer, OpenTransfers } from './open-transfers.ts';
import type { PinMeta, Pins } from './pins.ts';

export interface DeskOptions {
  blob: BlobStore;
  manifest: Manifest;
  meta: MaybeAsync<Pick<MetaStore, 'findSnapshot' | 'setBlobs' | 'seal' | 'usage' | 'addUsage'>> & PinMeta;
  tokens: TransferTokens;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** 32 random hex digits. */
  randomId: () => string;
}

/** What one transfer may move. */
export interface Agreement extends Omit<OpenTransfer, 'claims' | 'bases'> {
  volset: VolsetId;
  direction: 'up' | 'down';
  owner: string;
  /** Default: a new one. */
  uploadId?: string;
  /** Oldest first, with the base chosen for each. */
  items: { id: SnapshotId; base: SnapshotId | null }[];
}

export class Desk {
  readonly options: DeskOptions;
  readonly open: OpenTransfers;
  readonly pins: Pins;
  readonly #tokenMs: number;

  constructor(options: DeskOptions, open: OpenTransfers, pins: Pins, tokenMs: number) {
    this.options = options;
    this.open = open;
    this.pins = pins;
    this.#tokenMs = tokenMs;
  }

  /** At once, so that what one was promised is known to the next; `pin` makes it hold against gc. */
  agree({ volset, direction, owner, uploadId = this.options.randomId(), items, ...more }: Agreement): Transfer {
    const bases = items.map(({ base }) => base);
    const claims: TransferClaims = {
      volset,
      direction,
      uploadId,
      snapshots: items.map(({ id }) => id),
      base: bases[0],
      owner,
      expiresAt: this.options.now() + this.#tokenMs,
    };
    this.open.add({ claims, bases, ...more });
    return { url: transferPath(uploadId), token: this.options.tokens.sign(claims), expiresAt: claims.expiresAt };
  }

  /**
   * From now on nothing that these transfers rely on is dropped. Answers with what was, since it was looked up; such
   * bases are taken back.
   */
  async pin(volset: VolsetId, agreed: (Transfer & { ids: SnapshotId[] })[]): Promise<Set<SnapshotId>> {
    const lost = new Set<SnapshotId>();
    for (const { url, ids, expiresAt } of agreed) {
      const uploadId = url.slice(url.lastIndexOf('/') + 1);
      const gone = await this.pins.keep(volset, uploadId, ids, expiresAt);
      if (gone.size > 0) this.open.lose(uploadId, gone);
      for (const id of gone) lost.add(id);
    }
    return lost;
  }

  /** Of all that is named, what is complete here, whether or not its record is: a push brings blobs before records. */
  async completeAmong(volset: VolsetId, named: Want[]): Promise<Set<SnapshotId>> {
    const ids = new Set(named.flatMap(({ id, baseCandidates }) => [id, ...baseCandidates]));
    for (const missing of await this.options.meta.missingBlobs(volset, [...ids])) ids.delete(missing);
    return ids;
  }

  async completeRoot(volset: VolsetId, id: SnapshotId): Promise<NodeId | undefined> {
    if ((await this.options.meta.missingBlobs(volset, [id])).length > 0) return undefined;
    const view = await this.options.meta.findSnapshot(volset, id);
    if (view) return view.body.root;
    const bytes = this.options.blob.reader(volset).readObject(KIND.snapshot, unhex(id));
    return decodeSnapshotBody(bytes, volset).root;
  }
}

/** What goes in one transfer each. */
export const groupsOf = <T>(items: T[]): Generator<T[]> => inBatches(items, MAX_TRANSFER_SNAPSHOTS);
