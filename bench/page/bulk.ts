/** Writes many snapshots of one volset in one session of the blob engine, each patched from what came just before. */
import type { BlobWriter, NodeSink, NodeSource } from '../../src/blob/contract.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { copyOf } from '../../src/core/bytes.ts';
import type { Conflict } from '../../src/core/conflict.ts';
import type { Entry } from '../../src/core/entry.ts';
import { KIND } from '../../src/core/hash.ts';
import type { BranchId, NodeId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import type { Edit } from '../../src/meta/contract.ts';
import { bodyOf, labelEdits } from '../../src/sync/commit-snapshot.ts';
import type { Store } from '../../src/sync/engine.ts';
import { settle } from '../../src/sync/settle.ts';
import { textOf } from './tree.ts';

export interface Made {
  parents: SnapshotId[];
  root: NodeId;
  created: number;
  creator: string;
  name?: string;
  description?: string;
}

export class Bulk implements NodeSource, NodeSink {
  readonly #store: Store;
  readonly volset: VolsetId;
  #writer: BlobWriter;
  /** Of this session: others do not see them yet. */
  readonly #nodes = new Map<NodeId, Uint8Array>();
  #edits: Edit[] = [];
  #conflicts: Conflict[] = [];
  readonly #tips = new Map<BranchId, { stored: SnapshotId | null; now: SnapshotId | null }>();

  constructor(store: Store, volset: VolsetId) {
    this.#store = store;
    this.volset = volset;
    this.#writer = store.blob.writer(volset);
  }

  readNode(id: NodeId): Uint8Array {
    return this.#nodes.get(id) ?? this.#store.blob.reader(this.volset).readNode(id);
  }

  putNode(bytes: Uint8Array): NodeId {
    const id = this.#writer.putNode(bytes);
    this.#nodes.set(id, copyOf(bytes));
    return id;
  }

  file(path: PathKey, version: number, at: number): Entry {
    const bytes = Buffer.from(textOf(path, version));
    const content = this.#writer.putBytes(bytes);
    return { path, kind: 'file', mode: 0o644, mtime: BigInt(at) * 1_000_000n, size: bytes.length, content };
  }

  /** `changed`: null where the path is gone. */
  patch(root: NodeId, changed: Iterable<readonly [PathKey, Entry | null]>): NodeId {
    const changes = [...changed].sort(([a], [b]) => (a < b ? -1 : 1));
    return manifest.patch(
      this,
      this,
      root,
      changes.map(([path, after]) => (after === null ? { path } : { path, after })),
    );
  }

  edit(...edits: Edit[]): void {
    this.#edits.push(...edits);
  }

  conflict(conflict: Conflict): void {
    this.#conflicts.push(conflict);
  }

  snapshot(branch: BranchId, { parents, root, created, creator, ...labels }: Made): SnapshotId {
    const { files, bytes } = manifest.totals(this, root);
    const { id, body } = bodyOf({ volset: this.volset, parents, root, created, creator, files, bytes });
    this.#writer.putObject(KIND.snapshot, encodeSnapshotBody(body));
    this.edit({ edit: 'snapshot', id, body, blob: true }, ...labelEdits(id, labels));
    const tip = this.#tips.get(branch);
    this.#tips.set(branch, { stored: tip?.stored ?? null, now: id });
    return id;
  }

  /** Visible and durable: what was written so far. Another session begins. */
  async flush(): Promise<void> {
    await this.#finish();
    this.#writer = this.#store.blob.writer(this.volset);
  }

  /** The last one. */
  async end(): Promise<void> {
    await this.#finish();
  }

  async #finish(): Promise<void> {
    const { meta } = this.#store;
    const moves: Edit[] = [];
    for (const [branch, tip] of this.#tips) {
      if (tip.now === null || tip.now === tip.stored) continue;
      moves.push({ edit: 'move-ref', branch, from: tip.stored, to: tip.now });
      tip.stored = tip.now;
    }
    await this.#writer.finish(() => {
      meta.commit(this.volset, [...this.#edits, ...moves]);
      if (this.#conflicts.length > 0) meta.recordConflicts(this.volset, this.#conflicts);
    });
    await this.#writer[Symbol.asyncDispose]();
    await settle(this.#store, this.volset);
    this.#edits = [];
    this.#conflicts = [];
    this.#nodes.clear();
  }
}
