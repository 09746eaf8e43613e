/** A hub's side of transfers, with what passes noted, and places where a test can make it fail. */
import { parseHeader } from '../../../src/blob/block.ts';
import { hex } from '../../../src/core/hash.ts';
import type { SnapshotId } from '../../../src/core/ids.ts';
import type { Offer, OfferAnswer, OfferSender, PartAnswer, Peer, Transfer } from '../../../src/core/peer.ts';
import { readBlobDiff } from '../../../src/transfer/blob-diff.ts';
import { type DiffHeader, TRANSFER_LIMITS } from '../../../src/transfer/diff-format.ts';
import { peerOf, serverOf } from './loopback-peer.ts';
import { type TestStore, VOLSET } from './stores.ts';

/** What a part held when it was sent. */
export interface SeenPart {
  header: DiffHeader;
  /** `block`, `delta`, or the id of a marker. */
  entries: string[];
  /** Of blocks and deltas. */
  bytes: number;
}

type Answers =
  Exclude<OfferAnswer, { answer: 'want' }> extends infer A ? (A extends unknown ? Omit<A, 'id'> : never) : never;

export class WatchedHub {
  readonly store: TestStore;
  readonly offers: { offers: Offer[]; sender: OfferSender | undefined }[] = [];
  readonly parts: SeenPart[] = [];
  asked = 0;
  /** Decides instead of the hub. */
  answer: (offer: Offer) => Answers | undefined = () => undefined;
  /** Before the hub gets a part, and before its answer goes out. */
  beforePart: (n: number, header: DiffHeader) => Promise<void> | void = () => {};
  afterPart: (n: number, answer: PartAnswer) => Promise<void> | void = () => {};
  /** Parts that are under way, and the most there were at once. */
  taking = 0;
  most = 0;
  /** Objects that were taken more than once, in blocks. */
  readonly again = new Set<string>();
  readonly #taken = new Set<string>();
  readonly #peer: Peer;

  constructor(store: TestStore) {
    this.store = store;
    this.#peer = peerOf(serverOf(store)).peer;
  }

  has(id: SnapshotId): boolean {
    return this.store.meta.missingBlobs(VOLSET, [id]).length === 0;
  }

  peer(): Peer {
    const peer: Partial<Peer> = {
      url: this.#peer.url,
      offer: async (volset, offers, sender) => {
        this.offers.push({ offers, sender });
        const said = offers.map((offer) => this.answer(offer));
        const answers = await this.#peer.offer(
          volset,
          offers.filter((_, n) => !said[n]),
          sender,
        );
        const own = offers.flatMap(({ id }, n) => (said[n] ? [{ id, ...said[n] } as OfferAnswer] : []));
        return [...answers, ...own];
      },
      have: (volset, transfer, kind, ids) => {
        this.asked++;
        return this.#peer.have(volset, transfer, kind, ids);
      },
      upload: (transfer, part) => this.#upload(transfer, part),
    };
    return peer as Peer;
  }

  async #upload(transfer: Transfer, pieces: Uint8Array[]): Promise<PartAnswer> {
    const n = this.parts.length;
    const seen: SeenPart = { header: { volset: VOLSET, snapshots: [] }, entries: [], bytes: 0 };
    this.parts.push(seen);
    this.taking++;
    this.most = Math.max(this.most, this.taking);
    try {
      const objects = await this.#look(pieces, seen);
      await this.beforePart(n, seen.header);
      const answer = await this.#peer.upload(transfer, pieces);
      for (const object of objects) (this.#taken.has(object) ? this.again : this.#taken).add(object);
      await this.afterPart(n, answer);
      return answer;
    } finally {
      this.taking--;
    }
  }

  /** @returns ids of the objects in its blocks */
  async #look(pieces: Uint8Array[], seen: SeenPart): Promise<string[]> {
    const objects: string[] = [];
    for await (const event of readBlobDiff(each(pieces), TRANSFER_LIMITS)) {
      if (event.entry === 'header') seen.header = event.header;
      else if (event.entry === 'snapshot') seen.entries.push(event.id);
      else if (event.entry === 'block' || event.entry === 'delta') {
        seen.entries.push(event.entry);
        seen.bytes += event.bytes.byteLength;
        if (event.entry === 'block') objects.push(...objectsOf(event.bytes));
      }
    }
    return objects;
  }
}

function objectsOf(block: Uint8Array): string[] {
  const { table, count, kind } = parseHeader(block);
  // Bodies are small, and go without asking.
  if (kind > 1) return [];
  return Array.from({ length: count }, (_, i) => `${kind} ${hex(table.subarray(i * 36 + 4, i * 36 + 36))}`);
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
