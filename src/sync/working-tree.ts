/** The working directory against its base: what both `snapshot` and `status` begin with. */
import type { BlobReader, BlobWriter } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { tooManyDeleted } from '../core/guards.ts';
import type { NodeId } from '../core/ids.ts';
import { jsonPath, showPath } from '../core/paths.ts';
import type { Phase } from '../core/reporter.ts';
import type { Changes, ChangesOptions, Volume } from '../volume/contract.ts';
import { collectChanges } from '../volume/index.ts';
import type { Engine } from './engine.ts';

export interface Compared {
  changes: Changes;
  reader: BlobReader;
  /** Root of the base; undefined before the first snapshot. */
  baseRoot: NodeId | null;
}

type Comparison = Partial<Pick<ChangesOptions, 'looksOnly' | 'dirTimes' | 'observer'>>;

/**
 * `writer` stores what is read (snapshot) or only hashes it (a dry-run writer: status). Whoever does not hold the volume
 * passes `looksOnly`: the notes on disk belong to the command that holds it. `dirTimes`: see ChangesOptions.
 */
export function compareWithBase(
  engine: Engine,
  volume: Volume,
  writer: BlobWriter,
  { looksOnly = false, dirTimes = false, observer }: Comparison = {},
): Compared {
  const { volset, baseRoot } = volume.state;
  const reader = engine.blob.reader(volset);
  let phase: Phase | undefined;
  const changes = collectChanges({
    volume,
    baseEntries: () => (baseRoot === null ? [] : engine.manifest.encodedEntries(reader, baseRoot)),
    ingest: (root, files) => writer.ingest(root, files),
    looksOnly,
    dirTimes,
    observer,
    signal: engine.signal,
    now: engine.world.now,
    onProgress: ({ scanned, path }) => {
      phase ??= engine.reporter.phase('scanning');
      phase.advance({ items: scanned, path });
    },
    onEnd: () => phase?.end(),
  });
  return { changes, reader, baseRoot };
}

/** An unmounted disk or an emptied folder must not become "everything deleted". */
export function guardDeletions(outcome: Changes['outcome'], maxDelete: number): void {
  const { deleted, baseFiles, missingMounts } = outcome;
  if (missingMounts.length > 0 && maxDelete < 1) {
    const names = missingMounts.map(showPath).join(', ');
    throw new PlaitError('guard', `a file system that was mounted at ${names} is missing; nothing was changed`, {
      hint: 'mount it; if it is gone for good, say so with PLAIT_MAX_DELETE=100%',
      data: { missingMounts: missingMounts.map(jsonPath) },
    });
  }
  if (!tooManyDeleted({ deleted, total: baseFiles, max: maxDelete })) return;
  throw new PlaitError('guard', `${deleted} of ${baseFiles} files of the base are gone; nothing was changed`, {
    hint: 'if that is right, say so with PLAIT_MAX_DELETE=100% or `plait config set max-delete 100%`; else look whether a disk is missing',
    data: { deleted, total: baseFiles, maxDelete },
  });
}
