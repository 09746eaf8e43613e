/**
 * Takes the records of a round, one after another, into what they derive: heads, tombstones, snapshots. `finish` then
 * decides, once per register that was touched. Everything happens inside the write transaction of whoever calls.
 */
import type { BranchId, SnapshotId, StoreId, VolsetId, WriteId } from '../../core/ids.ts';
import type { Policy } from '../../core/reconcile.ts';
import type { LoggedRecord } from '../../core/records.ts';
import type { Applied } from '../contract.ts';
import type { Engine } from './engine.ts';

export interface Deciding {
  /** Absent: rivals are recorded, nothing is written; the target is the largest of the round's writes of a register. */
  policy: Policy | undefined;
  /** Is this write of ours, or of the round, in what the peer holds? Not asked without a policy. */
  peerHolds: (id: WriteId) => boolean;
  /** The peer's refs as this round leaves them. */
  tips: ReadonlyMap<BranchId, SnapshotId>;
  /** Who signs the resolutions and revivals. */
  author: StoreId;
}

export type Outcome = Pick<
  Applied,
  'conflicts' | 'deleted' | 'revived' | 'changed' | 'written' | 'problems' | 'snapshots'
>;

export class Intake {
  constructor(engine: Engine, volset: VolsetId, n: number) {
    void [engine, volset, n];
  }

  /**
   * A record that is new to this store, in order. The caller logs it (insertRecord), before or after. Throws `protocol`
   * where it refers to something unknown (data: reason `unknown-parent`) or unfit.
   */
  take(id: string, record: LoggedRecord): void {
    void [id, record];
  }

  /** Once, after the last record and after the peer's refs were taken. Writes go to the open generation: cut it after. */
  finish(how: Deciding): Outcome {
    void how;
    return { conflicts: [], deleted: [], revived: [], changed: [], written: 0, problems: [], snapshots: [] };
  }
}
