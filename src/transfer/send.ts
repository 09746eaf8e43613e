/** The entries of a blob diff for given snapshots: the sending half, shared by upload, the hub's downloads and export. */
import type { BlobReader, ObjectRef } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { KIND, unhex } from '../core/hash.ts';
import type { NodeId, SnapshotId } from '../core/ids.ts';
import type { Share } from '../core/peer.ts';
import type { SnapshotBody } from '../core/records.ts';
import { encodeSnapshotBody } from '../core/snapshot-body.ts';
import { chunkEntries, nodeEntries } from './delta-entries.ts';
import { planChunks, planNodes } from './delta-plan.ts';
import type { DiffEntry } from './diff-format.ts';
import { type Have, Seen, selectMissing, type Wanted } from './select.ts';

export interface Outgoing {
  id: SnapshotId;
  body: SnapshotBody;
  /** Complete at the receiver, and in this store too; `root` undefined for an earlier one of the same stream. */
  base: { id: SnapshotId; root?: NodeId } | null;
}

/** What has been done since the last call. */
export interface TransferStep {
  /** Snapshots completed. */
  items?: number;
  /** Sent: in the stream; received: newly referred to by a snapshot. */
  chunks?: number;
  /** Encoded bytes of blocks. */
  bytes?: number;
  /** Stored bytes of what is looked at next: an estimate, as deltas are less and whole blocks may be more. */
  expected?: number;
  /** All bytes of the transfer, as far as known by now; an estimate. */
  totalBytes?: number;
}

export interface SendOptions {
  reader: BlobReader;
  manifest: Manifest;
  have?: Have;
  /** Where nobody can be asked: root of a tree that the receiver holds whole, wherever its data has moved since. */
  held?: NodeId;
  /** Send deltas against `base` where there is one; default true. False where the receiver could not decode one. */
  deltas?: boolean;
  /** What other generators of the same transfer have sent; default: nothing. */
  seen?: Seen;
  /** True for what the receiver has told that it holds. */
  skip?: (kind: 0 | 1, id: Uint8Array) => boolean;
  /** One of several parallel streams: with index > 0 only plain blocks of chunks come, neither nodes, deltas nor markers. */
  share?: Share;
  signal?: AbortSignal;
  onProgress?: (step: TransferStep) => void;
}

/** Tiny files: a peer bounds the number of objects in a part as well (MAX_PART_TARGETS), so each counts for so many bytes. */
const PER_OBJECT = 128;
/** Roots that the walk is cut at: more of them cost more to compare than they save. */
const MAX_BASES = 4;

/**
 * For each snapshot what the receiver lacks: nodes, then chunks, in windows, of each first what goes as deltas; then its
 * body and its marker. Nodes come first because deltas of chunks are named by them. Deltas are made against the agreed
 * base or an earlier snapshot of the stream: the receiver decodes them once it holds that one whole.
 *
 * @param snapshots oldest first. @throws `blob-absent`, `integrity` of this store; whatever `have` throws
 */
export async function* sendEntries(options: SendOptions, snapshots: Outgoing[]): AsyncGenerator<DiffEntry> {
  const { reader, manifest, held, share, seen = new Seen(), onProgress } = options;
  if (held !== undefined) for (const { kind, id } of manifest.reachable(reader, held, [])) seen.add(kind, id);
  const sent = new Map<SnapshotId, NodeId>();
  let latest: NodeId | undefined;
  for (const item of snapshots) {
    const { root } = item.body;
    const sending = new SnapshotSending({ ...options, seen }, item, basesOf(item, sent, latest));
    yield* sending.data();
    sent.set(item.id, root);
    latest = root;
    if (share && share.index > 0) continue;
    // The receiver packs the body as well, so that its metadata can be rebuilt from packs alone.
    const body = unhex(item.id);
    if (reader.has(KIND.snapshot, body)[0] === 1) {
      for await (const bytes of reader.blocks([{ kind: KIND.snapshot, id: body }])) yield { entry: 'block', bytes };
    }
    yield { entry: 'snapshot', id: item.id, bytes: encodeSnapshotBody(item.body) };
    onProgress?.({ items: 1 });
  }
}

class SnapshotSending {
  readonly #options: SendOptions & { seen: Seen };
  readonly #item: Outgoing;
  readonly #bases: NodeId[];
  /** Root of the tree that deltas are made against. */
  readonly #deltaBase: NodeId | undefined;

  constructor(options: SendOptions & { seen: Seen }, item: Outgoing, bases: NodeId[]) {
    this.#options = options;
    this.#item = item;
    this.#bases = bases;
    // Of parallel streams each may be ahead: what this one brought before may need what another has yet to bring.
    const base = options.share ? item.base?.root : bases.at(0);
    this.#deltaBase = options.deltas === false ? undefined : base;
  }

  async *data(): AsyncGenerator<DiffEntry> {
    const { share } = this.#options;
    const side = share !== undefined && share.index > 0;
    // Without deltas nothing is named by nodes, and one walk does.
    if (this.#deltaBase === undefined && !share) return yield* this.#windows(undefined);
    if (!side) yield* this.#windows(KIND.node);
    yield* this.#windows(KIND.chunk);
  }

  async *#windows(kind: 0 | 1 | undefined): AsyncGenerator<DiffEntry> {
    const { manifest, reader, seen, have, skip, signal } = this.#options;
    const { root } = this.#item.body;
    const select = { manifest, nodes: reader, root, bases: this.#bases, seen, kind, have, skip, signal };
    for await (const refs of selectMissing(select)) yield* this.#window(refs);
  }

  async *#window(refs: Wanted[]): AsyncGenerator<DiffEntry> {
    const { share, reader, onProgress } = this.#options;
    const base = this.#deltaBase;
    onProgress?.({ expected: reader.storedBytes(refs) });
    // What may go as a delta is the first stream's alone, also where it goes plainly in the end.
    const first = (ref: Wanted): boolean => ref.kind === KIND.node || (base !== undefined && ref.at !== undefined);
    const dealt = share ? refs.filter((ref) => !first(ref)) : [];
    const own = share ? refs.filter(first) : refs;
    if (!share || share.index === 0) {
      const plain: ObjectRef[] = base === undefined ? own : [];
      if (base !== undefined) yield* this.#deltas(base, own, plain);
      yield* this.#blocks(plain);
    }
    yield* this.#blocks(dealt, share);
  }

  async *#blocks(refs: ObjectRef[], share?: Share): AsyncGenerator<DiffEntry> {
    const { reader, signal, onProgress } = this.#options;
    let chunks = refs.filter(({ kind }) => kind === KIND.chunk).length;
    if (share) chunks = Math.ceil(chunks / share.of);
    for await (const bytes of reader.blocks(refs, share)) {
      signal?.throwIfAborted();
      onProgress?.({ bytes: bytes.byteLength });
      yield { entry: 'block', bytes };
    }
    onProgress?.({ chunks });
  }

  /** What does not go as a delta is added to `plain`. */
  async *#deltas(baseRoot: NodeId, refs: Wanted[], plain: ObjectRef[]): AsyncGenerator<DiffEntry> {
    const { reader, manifest, signal, onProgress } = this.#options;
    const { id, body } = this.#item;
    const add = (ref: ObjectRef): void => {
      plain.push(ref);
    };
    const context = { manifest, nodes: reader, reader, root: body.root, baseRoot, plain: add };
    const nodes = refs.filter(({ kind }) => kind === KIND.node);
    const chunks = refs.filter(({ kind }) => kind === KIND.chunk);
    for (const made of [
      nodeEntries(planNodes(nodes, context), context),
      chunkEntries(planChunks(chunks, context), context),
    ]) {
      for await (const { kind, bytes, targets, raw } of made) {
        signal?.throwIfAborted();
        onProgress?.({ bytes: bytes.byteLength, ...(kind === KIND.chunk && { chunks: targets }) });
        yield { entry: 'delta', kind, for: id, bytes, raw: raw + targets * PER_OBJECT };
      }
    }
  }
}

/** The agreed base first, then what this stream has brought: parents, and the snapshot before. */
function basesOf(item: Outgoing, sent: Map<SnapshotId, NodeId>, latest: NodeId | undefined): NodeId[] {
  const roots = new Set<NodeId>();
  const add = (root: NodeId | undefined): void => {
    if (root !== undefined && roots.size < MAX_BASES) roots.add(root);
  };
  if (item.base) add(item.base.root ?? sent.get(item.base.id));
  for (const parent of item.body.parents) add(sent.get(parent));
  add(latest);
  return [...roots];
}
