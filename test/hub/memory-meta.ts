/** The least metadata store that a hub needs, in memory: real generations and chains, no database. For tests of HTTP. */
import { PlaitError } from '../../src/core/errors.ts';
import { verifyGenerations } from '../../src/core/generation.ts';
import type { BranchId, InstallId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import type { RefMove } from '../../src/core/peer.ts';
import type { Generation, Ref, SnapshotBody, Vector } from '../../src/core/records.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import type { HubMeta } from '../../src/hub/contract.ts';
import type {
  BranchView,
  DeltasPage,
  DeltasPlan,
  Round,
  Self,
  SnapshotView,
  TokenRow,
} from '../../src/meta/contract.ts';

const NO_FIELDS = { description: null, owner: null, creator: null, attrs: {} };

interface MemoryVolset {
  name: string | null;
  generations: Generation[];
  vector: Vector;
  branches: Map<BranchId, string>;
  snapshots: Map<SnapshotId, { body: SnapshotBody; hasBlob: boolean }>;
  refs: Ref[];
  revision: number;
}

export class MemoryMeta {
  readonly self: Self;
  readonly volsets = new Map<VolsetId, MemoryVolset>();
  tokens: TokenRow[] = [];
  /** Calls by method name, to show what a request did not do. */
  readonly calls = new Map<string, number>();

  constructor(install = 'ee'.repeat(16)) {
    const id = install as InstallId;
    this.self = { install: id, epoch: 1, store: storeId(id, 1), label: 'test' };
  }

  listVolsets() {
    return [...this.volsets].map(([id, v]) => this.#view(id, v));
  }

  findVolset(id: VolsetId) {
    const found = this.volsets.get(id);
    return found && this.#view(id, found);
  }

  #view(id: VolsetId, v: MemoryVolset) {
    return { id, name: v.name, ...NO_FIELDS, branches: v.branches.size, snapshots: v.snapshots.size };
  }

  listBranches(id: VolsetId): BranchView[] {
    const v = this.#volset(id);
    return [...v.branches].map(([branch, name]) => ({ id: branch, name, tip: this.#tip(v, branch) }));
  }

  findBranch(id: VolsetId, branch: BranchId) {
    return this.listBranches(id).find((b) => b.id === branch);
  }

  findSnapshot(id: VolsetId, snapshot: SnapshotId): SnapshotView | undefined {
    const found = this.#volset(id).snapshots.get(snapshot);
    return found && { id: snapshot, name: null, ...NO_FIELDS, ...found };
  }

  setBlobs(id: VolsetId, ids: SnapshotId[]): void {
    for (const snapshot of ids) {
      const found = this.#volset(id).snapshots.get(snapshot);
      if (found) found.hasBlob = true;
    }
  }

  cut(id: VolsetId): Vector {
    return this.#volset(id).vector;
  }

  vector(id: VolsetId): Vector {
    return this.#volset(id).vector;
  }

  revision(id: VolsetId): number {
    return this.#volset(id).revision;
  }

  refs(id: VolsetId): Ref[] {
    return this.#volset(id).refs;
  }

  planDeltas(id: VolsetId, theirs: Vector, known: number): DeltasPlan {
    const { vector, revision, refs } = this.#volset(id);
    const cursor = JSON.stringify({ theirs, next: 0 });
    return { volset: id, vector, revision, refs: refs.filter((r) => r.revision > known), generations: 0, cursor };
  }

  /** Pages of one generation, so that paging is exercised. */
  readDeltas(id: VolsetId, cursor: string): DeltasPage {
    const { theirs, next } = JSON.parse(cursor) as { theirs: Vector; next: number };
    const { generations } = this.#volset(id);
    for (let i = next; i < generations.length; i++) {
      if (generations[i].generation <= (theirs[generations[i].store]?.generation ?? 0)) continue;
      return { generations: [generations[i]], cursor: JSON.stringify({ theirs, next: i + 1 }) };
    }
    return { generations: [] };
  }

  apply(id: VolsetId, round: Round) {
    this.#count('apply');
    const v = this.volsets.get(id) ?? empty();
    const { fresh, vector } = verifyGenerations(id, v.vector, round.generations);
    this.volsets.set(id, v);
    v.vector = vector;
    v.generations.push(...fresh);
    for (const { records } of fresh) {
      for (const record of records) {
        if (record.type === 'snapshot') v.snapshots.set(idOfBody(record), { body: record, hasBlob: false });
        if (record.type !== 'write' || record.value === null) continue;
        if (record.register === 'volset:name') v.name = record.value;
        const branch = /^branch:([0-9a-f]{32}):name$/.exec(record.register)?.[1];
        if (branch) v.branches.set(branch as BranchId, record.value);
      }
    }
    return { generations: fresh.length, snapshots: [], problems: [], vector };
  }

  moveRefs(id: VolsetId, moves: RefMove[]) {
    this.#count('moveRefs');
    const v = this.#volset(id);
    const moved = moves.every(({ branch, from }) => this.#tip(v, branch) === from);
    for (const { branch, from, to } of moved ? moves : []) {
      if (from !== null && !v.snapshots.get(to)?.body.parents.includes(from)) {
        throw new PlaitError('not-fast-forward', 'The branch cannot move there.');
      }
      v.revision++;
      v.refs = [...v.refs.filter((r) => r.branch !== branch), { branch, snapshot: to, revision: v.revision }];
    }
    return { moved, refs: v.refs, revision: v.revision };
  }

  listTokens(): TokenRow[] {
    return this.tokens;
  }

  [Symbol.dispose](): void {}

  #tip(v: MemoryVolset, branch: BranchId): SnapshotId | null {
    return v.refs.find((r) => r.branch === branch)?.snapshot ?? null;
  }

  #volset(id: VolsetId): MemoryVolset {
    const found = this.volsets.get(id);
    if (found) return found;
    throw new PlaitError('not-found', 'no such volset');
  }

  #count(method: string): void {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
  }
}

const empty = (): MemoryVolset => ({
  name: null,
  generations: [],
  vector: {},
  branches: new Map(),
  snapshots: new Map(),
  refs: [],
  revision: 0,
});

/** As the hub sees it: every method answers with a promise. */
export function asyncMeta(meta: MemoryMeta): HubMeta {
  return new Proxy(meta, {
    get(target, name: keyof MemoryMeta) {
      const member = target[name];
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => (member as (...a: unknown[]) => unknown).apply(target, args);
    },
  }) as unknown as HubMeta;
}

/** For meta-thread.ts: opened by name on another thread. */
export const openMemoryMeta = ({ install }: { install: string }): MemoryMeta => new MemoryMeta(install);
