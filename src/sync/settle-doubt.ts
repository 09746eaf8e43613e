/** With the volume held: what a large checkout left to the system to write is looked at after another start of it. */
import type { Entry } from '../core/entry.ts';
import { type ErrorCode, PlaitError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import { SYNCED_AT_MOST } from '../disk/sync-tree.ts';
import type { Volume } from '../volume/contract.ts';
import {
  checkout,
  dropDoubt,
  findDoubt,
  findTorn,
  forgetStats,
  isInDoubt,
  isWrittenBack,
  renewDoubt,
} from '../volume/index.ts';
import type { Engine } from './engine.ts';
import { requirePlace } from './place.ts';

/** The base's own tree cannot be read: then nobody can tell. */
const UNTELLABLE: ErrorCode[] = ['integrity', 'blob-absent', 'not-found'];

/** Files that a power cut tore are written again; edits stay. */
export async function settleDoubt(engine: Engine, volume: Volume): Promise<void> {
  const doubt = findDoubt(volume.stateDir);
  if (!doubt) return;
  if (!isInDoubt(doubt)) {
    if (isWrittenBack(doubt)) dropDoubt(volume);
    return;
  }
  const { base, baseRoot } = volume.state;
  if (base === null || baseRoot === null) return dropDoubt(volume);
  requirePlace(volume);
  engine.reporter.note('the system was started since a large checkout: looking for files that did not reach the disk');
  const written = await mend(engine, volume, doubt.from, { snapshot: base, root: baseRoot });
  if (written.count > SYNCED_AT_MOST) renewDoubt(volume.stateDir, doubt, written.bytes);
  else dropDoubt(volume);
}

async function mend(
  engine: Engine,
  volume: Volume,
  from: Volume['state']['base'],
  at: { snapshot: NonNullable<Volume['state']['base']>; root: NodeId },
): Promise<{ count: number; bytes: number }> {
  const { volset, branch } = volume.state;
  const reader = engine.blob.reader(volset);
  await using hasher = engine.blob.writer(volset, { signal: engine.signal, dryRun: true });
  const ingest: Parameters<typeof findTorn>[0]['ingest'] = (root, files) => hasher.ingest(root, files);
  let torn: Entry[];
  try {
    torn = await findTorn({ volume, entries: inDoubt(engine, volume, from, at.root), ingest });
  } catch (error) {
    if (!(error instanceof PlaitError) || !UNTELLABLE.includes(error.code)) throw error;
    // Every file is read anew, and what differs shows as an edit.
    engine.reporter.warn(`files that did not reach the disk cannot be told from edits: ${error.message}`);
    forgetStats(volume.stateDir);
    return { count: 0, bytes: 0 };
  }
  if (torn.length === 0) return { count: 0, bytes: 0 };
  const { written, bytes, problems } = await checkout({
    volume,
    target: { ...at, branch },
    resume: { sameBoot: false },
    signal: engine.signal,
    changes: () => torn.map((after) => ({ path: after.path, after })),
    targetEntries: () => engine.manifest.encodedEntries(reader, at.root),
    ingest,
    extract: (root, tempDir, files) => reader.extract(root, tempDir, files, { signal: engine.signal }),
  });
  for (const { path, message } of problems) engine.reporter.warn(`${path}: ${message}`);
  return { count: written, bytes };
}

/** Of the base: what differs from the last tree that is on the disk for certain, or all. */
function* inDoubt(engine: Engine, volume: Volume, from: Volume['state']['base'], root: NodeId): Generator<Entry> {
  const { volset } = volume.state;
  const reader = engine.blob.reader(volset);
  const known = from === null ? undefined : engine.meta.findSnapshot(volset, from);
  if (!known?.hasBlob) {
    yield* engine.manifest.entries(reader, root);
    return;
  }
  for (const { after } of engine.manifest.diff(reader, known.body.root, root)) if (after) yield after;
}
