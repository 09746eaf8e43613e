/** What `verify --repair` answers: the store as it is now, and what was done to it. */
import type { SnapshotId } from '../../core/ids.ts';
import type { Engine, Outcome } from '../engine.ts';
import { noteDamage } from '../verify/note-damage.ts';
import { type VerifyOptions, type VerifyResult, verify } from '../verify.ts';
import type { Repair } from './repair.ts';
import type { Lost, Repaired } from './report.ts';

/** Shown of each; the counts tell the rest. */
const MAX_SHOWN = 100;

export interface RepairResult extends VerifyResult {
  repairs: Repaired[];
  losses: (Lost & { snapshotCount?: number })[];
}

export async function inspectStore(
  engine: Engine,
  options: VerifyOptions,
  { repaired, lost }: Repair,
): Promise<Outcome<RepairResult>> {
  const { result, exits } = await verify(engine, options);
  // It has read all packs before.
  if (result.ok) noteDamage(engine, { found: 0, sure: true });
  const losses = lost.map(({ volset, snapshots }) => {
    const hurt = new Set<SnapshotId>(snapshots);
    const paths = result.damage
      .filter((row) => row.volset === volset && row.snapshots.some((id) => hurt.has(id)))
      .flatMap((row) => row.paths);
    const more = snapshots.length > MAX_SHOWN ? { snapshotCount: snapshots.length } : {};
    return { volset, snapshots: snapshots.slice(0, MAX_SHOWN), paths, ...more };
  });
  const counts = {
    repaired: repaired.length,
    lost: lost.reduce((sum, { snapshots }) => sum + snapshots.length, 0),
  };
  return { result: { ...result, ...counts, repairs: repaired.slice(0, MAX_SHOWN), losses }, exits };
}
