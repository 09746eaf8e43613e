/** Requests and downloads of a hub. */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { Share, Want, WantAnswer } from '../core/peer.ts';
import { MAX_HELD_IDS } from '../wire/limits.ts';
import type { Caller, TransferClaims } from '../wire/transfer-service.ts';
import { writeBlobDiff } from './blob-diff.ts';
import { type Desk, groupsOf } from './desk.ts';
import { type Outgoing, sendEntries } from './send.ts';

export class DownloadServer {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async answerRequests(volset: VolsetId, wants: Want[], { owner }: Caller): Promise<WantAnswer[]> {
    const complete = await this.#desk.completeAmong(volset, wants);
    const answers = new Map<SnapshotId, WantAnswer>();
    const coming = new Map<SnapshotId, { id: SnapshotId; base: SnapshotId | null; bytes: number }>();
    for (const { id, baseCandidates } of wants) {
      const view = await this.#desk.options.meta.findSnapshot(volset, id);
      if (!view?.hasBlob || view.damaged || coming.has(id)) continue;
      const base = baseCandidates.find((c) => coming.has(c) || complete.has(c)) ?? null;
      coming.set(id, { id, base, bytes: view.body.bytes });
    }
    const plain = wants.some((want) => want.plain);
    for (const items of groupsOf([...coming.values()])) {
      const transfer = this.#desk.agree({ volset, direction: 'down', owner, items, plain });
      const lost = await this.#desk.pin(volset, [{ ...transfer, ids: pinsOf(items, complete) }]);
      for (const { id, base, bytes } of items) {
        if (lost.has(id)) continue;
        answers.set(id, { id, answer: 'available', base: base && lost.has(base) ? null : base, bytes, ...transfer });
      }
    }
    return wants.map(({ id }) => answers.get(id) ?? { id, answer: 'absent' });
  }

  hold(claims: TransferClaims, kind: 0 | 1, prefixes: Uint8Array): void {
    if (prefixes.byteLength % 8 !== 0 || prefixes.byteLength > MAX_HELD_IDS * 8) {
      throw new PlaitError('protocol', `held: at most ${MAX_HELD_IDS} beginnings of ids, 8 bytes each, are expected`);
    }
    this.#desk.open.hold(claims, kind, prefixes);
  }

  async *send(claims: TransferClaims, signal: AbortSignal, share?: Share): AsyncGenerator<Uint8Array> {
    const { options, open } = this.#desk;
    const { volset, uploadId } = claims;
    const outgoing = await this.#outgoing(claims);
    const snapshots = outgoing.map(({ id, base }) => ({ id, base: base?.id ?? null }));
    const skip = open.skip(uploadId);
    const sending = {
      reader: options.blob.reader(volset),
      manifest: options.manifest,
      signal,
      deltas: !open.find(uploadId)?.plain,
      ...(skip && { skip }),
      ...(share && { share }),
    };
    // The markers are in the first of several streams.
    const part = share && share.index > 0 ? ({ part: true } as const) : {};
    const diff = writeBlobDiff({ volset, snapshots, ...part }, sendEntries(sending, outgoing));
    const ids = snapshots.flatMap(({ id, base }) => (base === null ? [id] : [id, base]));
    yield* this.#desk.pins.during(diff, { volset, uploadId, ids, until: claims.expiresAt });
    open.sent(uploadId, share?.index ?? 0, share?.of ?? 1);
  }

  /** The bases agreed on, or, after a restart, the one that the token names. */
  async #outgoing({ volset, uploadId, snapshots, base: first }: TransferClaims): Promise<Outgoing[]> {
    const bases = this.#desk.open.find(uploadId)?.bases ?? [first];
    const earlier = new Set<SnapshotId>();
    const outgoing: Outgoing[] = [];
    for (const [n, id] of snapshots.entries()) {
      const view = await this.#desk.options.meta.findSnapshot(volset, id);
      if (!view?.hasBlob || view.damaged)
        throw new PlaitError('blob-absent', `the data of snapshot ${id.slice(0, 12)} is not here any more`);
      const base = bases.at(n) ?? null;
      const root = base === null || earlier.has(base) ? undefined : await this.#desk.completeRoot(volset, base);
      const usable = base !== null && (root !== undefined || earlier.has(base));
      outgoing.push({ id, body: view.body, base: usable ? { id: base, root } : null });
      earlier.add(id);
    }
    return outgoing;
  }
}

/** What is sent, and the bases that are here. */
const pinsOf = (
  items: { id: SnapshotId; base: SnapshotId | null }[],
  complete: ReadonlySet<SnapshotId>,
): SnapshotId[] => items.flatMap(({ id, base }) => (base !== null && complete.has(base) ? [id, base] : [id]));
