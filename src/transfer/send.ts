/** The entries of a blob diff for given snapshots: the sending half, shared by upload, the hub's downloads and export. */
import type { BlobReader } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { KIND, unhex } from '../core/hash.ts';
import type { NodeId, SnapshotId } from '../core/ids.ts';
import type { Share } from '../core/peer.ts';
import type { SnapshotBody } from '../core/records.ts';
import { encodeSnapshotBody } from '../core/snapshot-body.ts';
import type { DiffEntry } from './diff-format.ts';
import { type Have, Seen, selectMissing } from './select.ts';

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

/** Roots that the walk is cut at: more of them cost more to compare than they save. */
const MAX_BASES = 4;

/** @param snapshots oldest first. @throws `blob-absent`, `integrity` of this store; whatever `have` throws */
export async function* sendEntries(options: SendOptions, snapshots: Outgoing[]): AsyncGenerator<DiffEntry> {
  const { reader, manifest, have, held, signal, onProgress } = options;
  const seen = new Seen();
  if (held !== undefined) for (const { kind, id } of manifest.reachable(reader, held, [])) seen.add(kind, id);
  const sent = new Map<SnapshotId, NodeId>();
  let latest: NodeId | undefined;
  for (const item of snapshots) {
    const { root } = item.body;
    const bases = basesOf(item, sent, latest);
    for await (const refs of selectMissing({ manifest, nodes: reader, root, bases, seen, have, signal })) {
      for await (const bytes of reader.blocks(refs)) {
        signal?.throwIfAborted();
        onProgress?.({ bytes: bytes.byteLength });
        yield { entry: 'block', bytes };
      }
      onProgress?.({ chunks: refs.filter((ref) => ref.kind === KIND.chunk).length });
    }
    // The receiver packs the body as well, so that its metadata can be rebuilt from packs alone.
    const body = unhex(item.id);
    if (reader.has(KIND.snapshot, body)[0] === 1) {
      for await (const bytes of reader.blocks([{ kind: KIND.snapshot, id: body }])) yield { entry: 'block', bytes };
    }
    yield { entry: 'snapshot', id: item.id, bytes: encodeSnapshotBody(item.body) };
    sent.set(item.id, root);
    latest = root;
    onProgress?.({ items: 1 });
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
