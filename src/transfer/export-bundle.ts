/**
 * A bundle: the blob diff of some snapshots as a file, with all metadata of their volset and the branch tips, to be
 * carried by hand. Written with the code that serves HTTP.
 */
import type { BlobStore } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { encodeGeneration } from '../core/generation.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { MetaStore } from '../meta/contract.ts';
import { writeBlobDiff } from './blob-diff.ts';
import type { DiffEntry, DiffHeader } from './diff-format.ts';
import { completeRoot, oldestFirst } from './negotiation.ts';
import { type Outgoing, sendEntries, type TransferStep } from './send.ts';

export interface BundleStores {
  blob: BlobStore;
  manifest: Manifest;
  meta: MetaStore;
  signal?: AbortSignal;
  onProgress?: (step: TransferStep) => void;
}

export interface ExportOptions extends BundleStores {
  volset: VolsetId;
  tip: SnapshotId;
  /** The receiver has this one and its history. */
  base?: SnapshotId;
}

/** Bytes of lines per `generations/N.ndjson`. */
const GENERATIONS_BYTES = 1024 * 1024;

/**
 * The history of `tip` down to that of `base`, as far as its data is here.
 * @throws `not-found`, `blob-absent` when the data of tip or base is not here
 */
export function exportBundle(options: ExportOptions): AsyncGenerator<Uint8Array> {
  const { meta, volset, blob, manifest, signal, onProgress } = options;
  meta.cut(volset);
  const held = options.base === undefined ? undefined : requireComplete(meta, volset, options.base);
  const outgoing = historyOf(options);
  const header: DiffHeader = {
    volset,
    store: meta.self.store,
    snapshots: outgoing.map(({ id, base }) => ({ id, base: base?.id ?? null })),
  };
  const listed = new Set(outgoing.map(({ id }) => id));
  const entries = async function* (): AsyncGenerator<DiffEntry> {
    yield* generationEntries(meta, volset);
    yield* sendEntries({ reader: blob.reader(volset), manifest, held, signal, onProgress }, outgoing);
    const refs = meta.refs(volset, 'self').filter(({ snapshot }) => snapshot !== null && listed.has(snapshot));
    const branches = refs.map(({ branch, snapshot }) => ({ branch, snapshot }));
    yield { entry: 'refs', bytes: Buffer.from(`${JSON.stringify({ branches })}\n`) };
  };
  return writeBlobDiff(header, entries());
}

function historyOf({ meta, volset, tip, base }: ExportOptions): Outgoing[] {
  const baseRoot = base === undefined ? undefined : requireComplete(meta, volset, base);
  requireComplete(meta, volset, tip);
  const excluded = base === undefined ? new Set<SnapshotId>() : ancestorsOf(meta, volset, base);
  const wanted = [...ancestorsOf(meta, volset, tip, excluded)].filter(
    (id) => completeRoot(meta, volset, id) !== undefined,
  );
  const earlier = new Set<SnapshotId>();
  return oldestFirst(meta, volset, wanted).map((id) => {
    const body = meta.findSnapshot(volset, id)?.body as Outgoing['body'];
    const parent = body.parents.find((candidate) => earlier.has(candidate));
    earlier.add(id);
    if (parent !== undefined) return { id, body, base: { id: parent } };
    return { id, body, base: base === undefined ? null : { id: base, root: baseRoot } };
  });
}

function requireComplete(meta: MetaStore, volset: VolsetId, id: SnapshotId): NodeId {
  const root = completeRoot(meta, volset, id);
  if (root !== undefined) return root;
  throw new PlaitError('blob-absent', `the data of snapshot ${id.slice(0, 12)} is not in this store`, {
    hint: 'pull it from a remote that has it',
    data: { snapshot: id },
  });
}

/** `from` and everything behind it, not going into `excluded`. */
function ancestorsOf(
  meta: MetaStore,
  volset: VolsetId,
  from: SnapshotId,
  excluded: ReadonlySet<SnapshotId> = new Set(),
): Set<SnapshotId> {
  const found = new Set<SnapshotId>();
  let layer = excluded.has(from) ? [] : [from];
  while (layer.length > 0) {
    for (const id of layer) found.add(id);
    const parents = Object.values(meta.parentsOf(volset, layer)).flat();
    layer = [...new Set(parents)].filter((id) => !found.has(id) && !excluded.has(id));
  }
  return found;
}

function* generationEntries(meta: MetaStore, volset: VolsetId): Generator<DiffEntry> {
  let lines: Uint8Array[] = [];
  let bytes = 0;
  const entry = (): DiffEntry => {
    const joined = Buffer.concat(lines);
    lines = [];
    bytes = 0;
    return { entry: 'generations', bytes: joined };
  };
  for (let cursor: string | undefined = meta.planDeltas(volset, {}, 0).cursor; cursor !== undefined; ) {
    const page = meta.readDeltas(volset, cursor);
    for (const generation of page.generations) {
      const line = encodeGeneration(generation);
      lines.push(line, NEWLINE);
      bytes += line.byteLength + 1;
      if (bytes >= GENERATIONS_BYTES) yield entry();
    }
    cursor = page.cursor;
  }
  if (bytes > 0) yield entry();
}

const NEWLINE = Buffer.from('\n');
