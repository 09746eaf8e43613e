/** The least metadata store that a hub needs, in memory: real generations and chains, no database. For tests of HTTP. */
import { PlaitError } from '../../src/core/errors.ts';
import { makeGeneration, NO_GENERATION, StagedGenerations, verifyGenerations } from '../../src/core/generation.ts';
import type { BranchId, InstallId, SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import type { Interval } from '../../src/core/intervals.ts';
import type { ChainPoint, RefMove } from '../../src/core/peer.ts';
import type { AnyRecord, Generation, LoggedRecord, Ref, SnapshotBody, Vector } from '../../src/core/records.ts';
import { recordId } from '../../src/core/records.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { ZERO_STAMP } from '../../src/core/stamp.ts';
import type { HubMeta } from '../../src/hub/contract.ts';
import type {
  BranchView,
  DeltasPage,
  DeltasPlan,
  Edit,
  Round,
  SealKey,
  Self,
  SnapshotView,
  Stamp,
  TokenRow,
} from '../../src/meta/contract.ts';

const NO_FIELDS = { description: null, creator: null, attrs: {} };

interface MemoryVolset {
  name: string | null;
  named: string;
  owner: string | null;
  /** By a tombstone; a later name brings it back. */
  dead: boolean;
  generations: Generation[];
  vector: Vector;
  branches: Map<BranchId, string>;
  snapshots: Map<SnapshotId, { body: SnapshotBody; hasBlob: boolean }>;
  refs: Ref[];
  revision: number;
}

export class MemoryMeta {
  stamped: Stamp[] = [];
  used: Record<string, number> = {};
  /** Nothing can be written. */
  broken = false;
  readonly self: Self;
  readonly volsets = new Map<VolsetId, MemoryVolset>();
  tokens: TokenRow[] = [];
  /** Calls by method name, to show what a request did not do. */
  readonly calls = new Map<string, number>();
  /** What came with the calls: to show what a request hands on. */
  readonly rounds: Round[] = [];
  readonly asked: { theirs: Vector; chains?: Record<StoreId, ChainPoint[]> }[] = [];
  /** By volset, sender and owner, with blanks between. */
  readonly seals = new Map<string, Interval[]>();
  /** Stores that `planDeltas` calls forked while no chains are given. */
  forked: StoreId[] = [];
  damaged: SnapshotId[] = [];
  /** What was promised or pinned. */
  readonly kept: { id: VolsetId; name: string; ids: SnapshotId[]; until: number; add?: boolean }[] = [];
  /** Another process works on, right after something was kept. */
  onKeep: () => void = () => {};

  constructor(install = 'ee'.repeat(16)) {
    const id = install as InstallId;
    this.self = { install: id, epoch: 1, store: storeId(id, 1), label: 'test', ephemeral: false };
  }

  listVolsets() {
    return [...this.volsets].filter(([, v]) => !v.dead).map(([id, v]) => this.#view(id, v));
  }

  findVolset(id: VolsetId) {
    const found = this.volsets.get(id);
    return found && !found.dead ? this.#view(id, found) : undefined;
  }

  knowsVolset(id: VolsetId): boolean {
    return this.volsets.has(id);
  }

  /** No revision tells of a generation here: what is read must not be kept. */
  heads() {
    return [...this.volsets].map(([volset, { revision }]) => ({ volset, head: { revision, blobs: 0 }, open: true }));
  }

  viewOf(id: VolsetId) {
    const view = this.findVolset(id) ?? null;
    return { revision: this.#volset(id).revision, view, branches: view ? this.listBranches(id) : [] };
  }

  #view(id: VolsetId, v: MemoryVolset) {
    const { name, named, owner } = v;
    return { id, name, named, ...NO_FIELDS, owner, branches: v.branches.size, snapshots: v.snapshots.size };
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
    return found && { id: snapshot, name: null, owner: null, ...NO_FIELDS, ...found };
  }

  setBlobs(id: VolsetId, ids: SnapshotId[]): void {
    for (const snapshot of ids) {
      const found = this.#volset(id).snapshots.get(snapshot);
      if (found) found.hasBlob = true;
    }
  }

  missingBlobs(id: VolsetId, ids: SnapshotId[]): SnapshotId[] {
    const held = (snapshot: SnapshotId) => this.volsets.get(id)?.snapshots.get(snapshot)?.hasBlob === true;
    return ids.filter((snapshot) => !held(snapshot) || this.damaged.includes(snapshot));
  }

  forgotten(): SnapshotId[] {
    return [];
  }

  damagedBlobs(): SnapshotId[] {
    return this.damaged;
  }

  keepBlobs(id: VolsetId, name: string, ids: SnapshotId[], until: number, options?: { add?: boolean }): void {
    this.kept.push({ id, name, ids, until, ...options });
    this.onKeep();
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

  planDeltas(id: VolsetId, theirs: Vector, known: number, chains?: Record<StoreId, ChainPoint[]>): DeltasPlan {
    this.asked.push({ theirs, ...(chains && { chains }) });
    if (this.forked.length > 0 && !chains) {
      throw new PlaitError('integrity', 'histories part', { data: { reason: 'fork', stores: this.forked } });
    }
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

  sealed({ volset, sender, owner }: SealKey): Interval[] {
    return this.seals.get(`${volset} ${sender} ${owner}`) ?? [];
  }

  blobHead(): number {
    return 0;
  }

  apply(id: VolsetId, round: Round) {
    this.#count('apply');
    this.rounds.push(round);
    const v = this.volsets.get(id) ?? empty();
    const known = new StagedGenerations();
    for (const generation of v.generations) known.add(generation);
    const { fresh } = verifyGenerations(id, known, round.generations);
    this.volsets.set(id, v);
    // No forks here.
    const vector = { ...v.vector };
    for (const { store, generation, hash } of fresh) vector[store] = { generation, hash };
    v.vector = vector;
    v.generations.push(...fresh);
    for (const { records } of fresh) for (const record of records) take(v, record);
    return { generations: fresh.length, snapshots: [], problems: [], vector };
  }

  handOver(id: VolsetId, _peer: StoreId, records: AnyRecord[]) {
    this.#count('handOver');
    const v = this.volsets.get(id) ?? empty();
    const held = new Set(v.generations.flatMap((g) => g.records).map((r) => recordId(r as AnyRecord)));
    const missing = records.filter((record) => !held.has(recordId(record)));
    this.volsets.set(id, v);
    if (missing.length > 0) this.#log(id, v, missing);
    return { generations: 0, snapshots: [], problems: [], vector: v.vector };
  }

  commit(id: VolsetId, edits: Edit[]): void {
    const v = this.#volset(id);
    for (const edit of edits) {
      if (edit.edit !== 'set') throw new Error(`no ${edit.edit} here`);
      const { register, value } = edit;
      this.#log(id, v, [{ type: 'write', register, value, parents: [], stamp: ZERO_STAMP, author: this.self.store }]);
    }
  }

  #log(id: VolsetId, v: MemoryVolset, records: AnyRecord[]): void {
    const { store } = this.self;
    const last = Object.hasOwn(v.vector, store) ? v.vector[store] : { generation: 0, hash: NO_GENERATION };
    const generation = makeGeneration(id, store, last.generation + 1, last.hash, records);
    v.generations.push(generation);
    v.vector = { ...v.vector, [store]: { generation: generation.generation, hash: generation.hash } };
    for (const record of records) take(v, record);
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

  listConflicts(): [] {
    return [];
  }

  listMembers(): [] {
    return [];
  }

  numberedBlobs(): [] {
    return [];
  }

  queue(): [] {
    return [];
  }

  queueCounts(): [] {
    return [];
  }

  stamps(): Stamp[] {
    return this.stamped;
  }

  usage(): Record<string, number> {
    return this.used;
  }

  putSetting(): void {
    if (this.broken) throw new PlaitError('no-space', 'the disk is full');
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

function take(v: MemoryVolset, record: LoggedRecord): void {
  if (record.type === 'snapshot') v.snapshots.set(idOfBody(record), { body: record, hasBlob: false });
  if (record.type === 'tombstone' && record.object === 'volset') v.dead = true;
  if (record.type !== 'write' || record.value === null) return;
  if (record.register === 'volset:owner') v.owner = record.value;
  if (record.register === 'volset:name') {
    v.name = record.value;
    v.named = record.stamp;
    v.dead = false;
  }
  const branch = /^branch:([0-9a-f]{32}):name$/.exec(record.register)?.[1];
  if (branch) v.branches.set(branch as BranchId, record.value);
}

const empty = (): MemoryVolset => ({
  name: null,
  named: '',
  owner: null,
  dead: false,
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
