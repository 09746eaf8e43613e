/** `plait drop REF…`: the data of single snapshots goes from this store; their records stay. */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { currentVolset, type Engine, type Outcome, outcome } from './engine.ts';
import { type DroppedRow, droppedRows } from './gc-plan.ts';
import { type KeptReason, WHY } from './gc-reasons.ts';
import { type KeptRow, release, Witnesses } from './gc-release.ts';
import { resolveReference } from './references.ts';
import type { ProblemRow } from './results.ts';

export interface DropOptions {
  refs: string[];
  dryRun: boolean;
  force: boolean;
}

export interface DropResult {
  volset: string | null;
  volsetId: VolsetId;
  dryRun: boolean;
  dropped: DroppedRow[];
  kept: (KeptRow & { message: string })[];
  /** Was not here before. */
  absent: SnapshotId[];
  problems: ProblemRow[];
}

export async function drop(engine: Engine, { refs, dryRun, force }: DropOptions): Promise<Outcome<DropResult>> {
  const { id: volset, name } = currentVolset(engine);
  const named = [...new Set(refs.map((ref) => resolveReference(engine, volset, ref).snapshot))];
  const absent = engine.meta.missingBlobs(volset, named);
  const here = named.filter((id) => !absent.includes(id));
  const rows = new Map(droppedRows(engine, volset, here).map((row) => [row.snapshot, row]));
  await using witnesses = new Witnesses(engine);
  const { dropped, kept } = await release(engine, volset, here, witnesses, { dryRun, force });
  if (named.length > 0 && here.length === 0) throw notHere(named);
  const result: DropResult = {
    volset: name,
    volsetId: volset,
    dryRun,
    dropped: dropped.map((id) => rows.get(id) as DroppedRow),
    kept: kept.map((row) => ({ ...row, message: `${row.snapshot.slice(0, 12)} stays: ${WHY[row.reason]}` })),
    absent,
    problems: witnesses.problems,
  };
  return outcome(result, ...exitsOf(kept), ...witnesses.exits);
}

const notHere = (named: SnapshotId[]): PlaitError =>
  new PlaitError('blob-absent', `the data of ${named.map((id) => id.slice(0, 12)).join(', ')} is not in this store`, {
    hint: 'nothing was dropped; `plait log` shows what is not here',
    data: { snapshots: named },
  });

/** What only a transfer or a remote stands in the way of is worth another try. */
const EXITS: Record<Exclude<KeptReason, 'not-asked'>, number> = {
  tip: 9,
  base: 9,
  promised: 9,
  queued: 9,
  unproven: 9,
  'in-use': 11,
};

/** Why somebody could not be asked is an exit code of its own. */
const exitsOf = (kept: KeptRow[]): number[] => [
  ...new Set(kept.flatMap(({ reason }) => (reason === 'not-asked' ? [] : [EXITS[reason]]))),
];
