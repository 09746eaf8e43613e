/** Takes a bundle into a store; a file is believed as little as a peer. */
import { randomBytes } from 'node:crypto';
import { compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import { decodeGeneration } from '../core/generation.ts';
import { type BranchId, isBranchId, isSnapshotId, type SnapshotId, type StoreId, type VolsetId } from '../core/ids.ts';
import type { Generation } from '../core/records.ts';
import type { MetaStore } from '../meta/contract.ts';
import { type DiffEvent, readBlobDiff } from './blob-diff.ts';
import { BUNDLE_LIMITS, bad, type DiffHeader, parseObject } from './diff-format.ts';
import type { BundleStores } from './export-bundle.ts';
import { completeRoot } from './negotiation.ts';
import { putBody } from './put-body.ts';
import { receiveEvents } from './receive.ts';

export interface Imported {
  volset: VolsetId;
  snapshots: SnapshotId[];
  /** Branches whose tip is the bundle's now. */
  branches: BranchId[];
  /** Branches whose tip here is no ancestor of the bundle's, nor the other way round: they stay. */
  diverged: BranchId[];
  chunks: number;
  bytes: number;
}

/**
 * Takes a bundle into this store; the volset is made if it is not here. Branches follow the bundle's tips as they
 * would in a pull.
 * @throws `blob-absent` naming a base that is not here (nothing was changed then); `protocol`, `integrity`, `format`
 */
export async function importBundle(stores: BundleStores, body: AsyncIterable<Uint8Array>): Promise<Imported> {
  const { blob, manifest, meta, signal, onProgress } = stores;
  await using events = disposable(readBlobDiff(body, BUNDLE_LIMITS));
  const { header, store } = await readHeader(events.iterator);
  const { volset } = header;
  checkBases(meta, header);
  await using receiver = await blob.receiver(volset, randomBytes(16).toString('hex'));
  let refs: Pick<Imported, 'branches' | 'diverged'> = { branches: [], diverged: [] };
  const rest = async function* (): AsyncGenerator<DiffEvent> {
    yield { entry: 'header', header };
    yield* events.iterator;
  };
  const received = await receiveEvents(
    {
      receiver,
      manifest,
      volset,
      signal,
      onProgress,
      completeRoot: async (id) => completeRoot(meta, volset, id),
      commit: (ids) => commitKnown(meta, volset, ids),
      putBody: (bytes) => putBody(blob, volset, bytes),
      // There is nobody to ask for them: a snapshot that needs one is found incomplete at its marker.
      onLacking: () => undefined,
      onGenerations: async (lines) => {
        meta.apply(volset, { peer: store, generations: decodeLines(volset, lines) });
      },
      onRefs: async (json) => {
        refs = takeRefs(meta, volset, json);
      },
    },
    rest(),
  );
  return { volset, ...refs, ...received };
}

async function readHeader(events: AsyncIterator<DiffEvent>): Promise<{ header: DiffHeader; store: StoreId }> {
  const first = await events.next();
  if (first.done || first.value.entry !== 'header') throw bad('it does not begin with its header');
  const { header } = first.value;
  if (header.store === undefined) throw bad('this is a transfer, not a bundle');
  return { header, store: header.store };
}

function checkBases(meta: MetaStore, { volset, snapshots }: DiffHeader): void {
  const known = meta.findVolset(volset) !== undefined;
  const earlier = new Set<SnapshotId>();
  for (const { id, base } of snapshots) {
    earlier.add(id);
    if (base === null || earlier.has(base) || (known && completeRoot(meta, volset, base) !== undefined)) continue;
    throw new PlaitError(
      'blob-absent',
      `this bundle builds on snapshot ${base.slice(0, 12)}, whose data is not in this store`,
      {
        hint: 'import a bundle with that snapshot first, or export again without --base',
        data: { base },
      },
    );
  }
}

function commitKnown(meta: MetaStore, volset: VolsetId, ids: SnapshotId[]): void {
  const known = meta.parentsOf(volset, ids);
  const unknown = ids.find((id) => !Object.hasOwn(known, id));
  if (unknown) throw bad(`it has no metadata for snapshot ${unknown.slice(0, 12)}`, 'integrity');
  meta.setBlobs(volset, ids);
}

function decodeLines(volset: VolsetId, lines: Uint8Array): Generation[] {
  const generations: Generation[] = [];
  for (let start = 0; start < lines.byteLength; ) {
    const end = lines.indexOf(10, start);
    if (end < 0) throw bad('a line of its generations is cut');
    generations.push(decodeGeneration(volset, lines.subarray(start, end)));
    start = end + 1;
  }
  return generations;
}

function takeRefs(meta: MetaStore, volset: VolsetId, json: Uint8Array): Pick<Imported, 'branches' | 'diverged'> {
  const { branches } = parseObject(json, 'refs');
  if (!Array.isArray(branches)) throw bad('its refs are no list');
  const lineage = (ids: SnapshotId[]) => meta.lineage(volset, ids);
  const taken: BranchId[] = [];
  const diverged: BranchId[] = [];
  for (const item of branches as unknown[]) {
    const { branch, snapshot } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>;
    if (!isBranchId(branch) || !isSnapshotId(snapshot)) throw bad('its refs are invalid');
    const view = meta.findBranch(volset, branch);
    if (!view || view.tip === snapshot || completeRoot(meta, volset, snapshot) === undefined) continue;
    const relation = view.tip === null ? 'behind' : compareTips(lineage, view.tip, snapshot).relation;
    if (relation === 'behind') {
      meta.commit(volset, [{ edit: 'move-ref', branch, from: view.tip, to: snapshot }]);
      taken.push(branch);
    } else if (relation !== 'ahead') diverged.push(branch);
  }
  return { branches: taken, diverged };
}

/** Ends the reading of the file on every way out. */
const disposable = <T>(iterator: AsyncGenerator<T>) => ({
  iterator,
  async [Symbol.asyncDispose](): Promise<void> {
    await iterator.return(undefined);
  },
});
