/** Tips of live branches as a round knows them, our own and the peer's: what may keep a snapshot that was forgotten. */
import { isAncestor } from '../../core/ancestry.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../core/ids.ts';
import { isHeldByTip } from '../../core/liveness.ts';
import type { ObjectKey } from '../../core/records.ts';
import { branchKey, snapshotKey } from '../../core/register.ts';
import type { Engine } from './engine.ts';
import { isDead } from './heads.ts';
import { OWN_REFS, refsOf } from './ref-rows.ts';
import { lineage } from './snapshots.ts';

export class KnownTips {
  readonly #engine: Engine;
  readonly #volset: VolsetId;
  readonly #n: number;
  readonly #peer: number;
  #branches: Map<BranchId, SnapshotId[]> | undefined;

  constructor(engine: Engine, volset: VolsetId, n: number, peer: number) {
    this.#engine = engine;
    this.#volset = volset;
    this.#n = n;
    this.#peer = peer;
  }

  /** Snapshots that are dead here, and a branch points at them. Costs nothing where none is dead. */
  forgotten(): ObjectKey[] {
    const any = "SELECT 1 FROM dead WHERE volset = ? AND object > 'snapshot:' AND object < 'snapshot;' LIMIT 1";
    if (this.#engine.db.get(any, this.#n) === undefined) return [];
    const tips = new Set([...this.#tips().values()].flat());
    return [...tips].map(snapshotKey).filter((object) => isDead(this.#engine, this.#n, object));
  }

  hold(id: SnapshotId): boolean {
    return isHeldByTip(id, this.#tips().values(), (ancestor, descendant) =>
      isAncestor((ids) => lineage(this.#engine, this.#volset, ids), ancestor, descendant),
    );
  }

  #tips(): Map<BranchId, SnapshotId[]> {
    this.#branches ??= this.#read();
    return this.#branches;
  }

  #read(): Map<BranchId, SnapshotId[]> {
    const branches = new Map<BranchId, SnapshotId[]>();
    for (const store of [OWN_REFS, this.#peer]) {
      for (const { branch, snapshot } of refsOf(this.#engine, this.#n, store)) {
        if (snapshot === null || isDead(this.#engine, this.#n, branchKey(branch))) continue;
        branches.set(branch, [...(branches.get(branch) ?? []), snapshot]);
      }
    }
    return branches;
  }
}
