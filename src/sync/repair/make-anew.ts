/** One new meta.db beside the old one, step by step; nobody sees it before it is put in place. */
import { randomBytes } from 'node:crypto';
import { KIND, unhex } from '../../core/hash.ts';
import { type GenerationHash, type InstallId, type SnapshotId, storeId, type VolsetId } from '../../core/ids.ts';
import { PROMISE_MS, promiseOf } from '../../core/promise.ts';
import type { Generation } from '../../core/records.ts';
import type { BranchView, MetaStore, PackedGeneration, RemoteConfig, TokenRow } from '../../meta/contract.ts';
import { laterEpoch, MetaRebuild, openMetaStore, type RebuildReport } from '../../meta/index.ts';
import { isMetadataOnly } from '../blobs-down.ts';
import type { StoreOptions } from '../store.ts';
import { allSnapshots } from '../verify/snapshots.ts';
import { generationsIn } from './metadata.ts';
import type { Repaired } from './report.ts';
import type { Salvaged } from './salvage.ts';
import { draftPath } from './swap.ts';
import { basesOf, onlyLeafOf, tipOf } from './tips.ts';
import { readTold, type Told } from './told.ts';
import { lackingAmong, type Trees } from './whole.ts';

export interface Sources {
  trees: Trees;
  kept: Salvaged;
  /** Generations of the old metadata that are not among these. */
  log: (held: ReadonlySet<GenerationHash>) => Iterable<{ volset: VolsetId; generation: Generation }>;
}

const BATCH = 1000;

export async function makeAnew(dir: string, options: StoreOptions, sources: Sources): Promise<Repaired[]> {
  const { kept, trees } = sources;
  const told = await readTold(trees.blob);
  const notes: Repaired[] = [];
  const { world, lockWaitMs, stateDir } = options;
  using meta = openMetaStore({
    path: draftPath(dir),
    create: true,
    identity: identityOf(kept, told, world.random),
    label: kept.self?.label ?? told.store?.label ?? options.label,
    ephemeral: kept.self?.ephemeral ?? false,
    now: world.now,
    random: (bytes) => world.random(bytes),
    lockWaitMs,
    stateDir,
  });
  putConfiguration(meta, kept, told, notes);
  noteLeft(await takeLog(meta, sources), notes);
  for (const { id } of meta.listVolsets()) {
    markWhole(meta, trees, id, { notes, now: world.now() });
    keepOld(meta, kept, id);
    putTips(meta, dir, id, { trees, kept, told, notes });
  }
  for (const stamp of kept.stamps ?? [])
    if (stamp.volset === null || meta.knowsVolset(stamp.volset)) meta.putStamp(stamp);
  return notes;
}

/** The same store, under an epoch that nobody has seen; a store of which nothing tells who it was is a new one. */
function identityOf(
  { self: old }: Salvaged,
  { self: last }: Told,
  random: (bytes: number) => Uint8Array,
): { install: InstallId; epoch: number } {
  const self = old ?? last;
  if (self === undefined) return { install: Buffer.from(random(16)).toString('hex') as InstallId, epoch: 1 };
  const epoch = last?.install === self.install ? Math.max(last.epoch, self.epoch) : self.epoch;
  return { install: self.install, epoch: laterEpoch(epoch, random) };
}

function putConfiguration(meta: MetaStore, kept: Salvaged, { store }: Told, notes: Repaired[]): void {
  for (const [key, value] of Object.entries(kept.settings ?? store?.settings ?? {})) meta.putSetting(key, value);
  for (const remote of kept.remotes ?? (store?.remotes as RemoteConfig[] | undefined) ?? []) meta.putRemote(remote);
  const tokens = tokensOf(kept.tokens, store?.tokens as TokenRow[] | undefined);
  for (const token of tokens ?? [closed(meta)]) meta.putToken(token);
  if (tokens !== undefined) return;
  notes.push({
    what: 'nothing tells which tokens a hub on this store had: it stays closed until one is made (`plait token create`)',
    volset: null,
  });
}

/** None is ever taken away: one that either lacks was lost there, one that either says is revoked stays so. */
function tokensOf(kept: TokenRow[] | undefined, told: TokenRow[] | undefined): TokenRow[] | undefined {
  if (kept === undefined || told === undefined) return kept ?? told;
  const all = new Map(told.map((token) => [token.id, token]));
  for (const token of kept)
    all.set(token.id, { ...token, revoked: token.revoked || all.get(token.id)?.revoked === true });
  return [...all.values()];
}

/** A hub without any token answers everybody; one whose only token is revoked answers nobody. */
function closed(meta: MetaStore): TokenRow {
  const id = randomBytes(8).toString('hex');
  const row = { id, hash: randomBytes(32).toString('hex'), label: 'made by a repair', volset: '*', can: [] };
  return { ...row, created: Math.max(0, meta.stamps().length), expires: null, revoked: true };
}

async function takeLog(meta: MetaStore, { trees, log }: Sources): Promise<RebuildReport> {
  const rebuild = new MetaRebuild(meta);
  const held = new Set<GenerationHash>();
  const packed: PackedGeneration[] = [];
  for await (const { volset, generation } of generationsIn(trees.blob)) {
    trees.signal.throwIfAborted();
    const { store, hash } = generation;
    if (held.has(hash)) continue;
    held.add(hash);
    packed.push({ volset, store, generation: generation.generation, hash });
    rebuild.add({ volset, generation });
  }
  for (const item of log(held)) rebuild.add(item);
  const report = rebuild.finish();
  for (let at = 0; at < packed.length; at += BATCH) meta.markPacked(packed.slice(at, at + BATCH));
  return report;
}

function noteLeft({ left }: RebuildReport, notes: Repaired[]): void {
  for (const { volset, store, generation, reason } of left)
    notes.push({ what: `generation ${generation} of store ${store} could not be taken in: ${reason}`, volset });
}

/**
 * By the index and the trees themselves: whatever hangs together is here. Of what does not, but whose root is here, parts
 * were lost, and what is left is to be kept; the rest was dropped, or never came.
 */
function markWhole(
  meta: MetaStore,
  trees: Trees,
  volset: VolsetId,
  { notes, now }: { notes: Repaired[]; now: number },
): void {
  const reader = trees.blob.reader(volset);
  let whole: SnapshotId[] = [];
  let hurt: SnapshotId[] = [];
  let absent = 0;
  const flush = (): void => {
    meta.setBlobs(volset, [...whole, ...hurt]);
    meta.setDamaged(volset, hurt, true);
    whole = [];
    hurt = [];
  };
  const views = allSnapshots({ meta, signal: trees.signal }, volset);
  const lacking = lackingAmong(trees, volset, views, (id) => {
    if (whole.push(id) === BATCH) flush();
  });
  for (const { snapshot, root } of lacking) {
    if (reader.has(KIND.node, unhex(root))[0] === 0) absent++;
    else if (hurt.push(snapshot) === BATCH) flush();
  }
  flush();
  keepPromises(meta, volset, now);
  if (absent === 0 || isMetadataOnly({ engine: { meta }, volset })) return;
  notes.push({ what: `the data of ${absent} snapshots is not here: it was dropped, never came, or is lost`, volset });
}

/** Which were given nobody knows any more, and others may have dropped theirs: as if all were. */
function keepPromises(meta: MetaStore, volset: VolsetId, now: number): void {
  const until = now + PROMISE_MS;
  for (let after: SnapshotId | null = null; ; ) {
    const page: SnapshotId[] = meta.snapshotPage(volset, after, BATCH);
    if (page.length === 0) return;
    meta.keepBlobs(volset, promiseOf(volset), page, until, { add: true });
    after = page[page.length - 1];
  }
}

function keepOld(meta: MetaStore, { volsets }: Salvaged, volset: VolsetId): void {
  const { conflicts = [], damaged = [] } = volsets.get(volset) ?? {};
  meta.recordConflicts(
    volset,
    conflicts.filter(({ kind }) => kind === 'path'),
  );
  const here = damaged.filter((id) => meta.findSnapshot(volset, id) !== undefined);
  // They were restorable file by file, and stay so.
  meta.setBlobs(volset, here);
  meta.setDamaged(volset, here, true);
}

function putTips(
  meta: MetaStore,
  dir: string,
  volset: VolsetId,
  { trees, kept, told, notes }: { trees: Trees; kept: Salvaged; told: Told; notes: Repaired[] },
): void {
  const old = kept.volsets.get(volset)?.refs;
  const witnesses = {
    ...(old && { old: new Map(old.map(({ branch, snapshot }) => [branch, snapshot])) }),
    told: told.refs.get(volset),
    bases: basesOf(dir, volset),
  };
  const before = kept.self ?? told.self;
  const leaf = old || witnesses.told ? undefined : onlyLeafOf(meta, volset);
  for (const branch of meta.listBranches(volset)) {
    const tip = tipOf(meta, volset, branch, witnesses, leaf);
    if (tip === undefined) continue;
    const { snapshot, guessed } = tip;
    if (meta.forgotten(volset, [snapshot]).length > 0) keepForgotten(meta, trees, volset, { branch, snapshot, before });
    if (!meta.findSnapshot(volset, snapshot)?.hasBlob && !isMetadataOnly({ engine: { meta }, volset })) {
      // Our branch stood there, so it was whole once: it comes again, or what is left of it is restored.
      if (guessed) continue;
      meta.setBlobs(volset, [snapshot]);
      meta.setDamaged(volset, [snapshot], true);
    }
    meta.commit(volset, [{ edit: 'move-ref', branch: branch.id, from: null, to: snapshot }]);
    const short = snapshot.slice(0, 12);
    if (guessed) notes.push({ what: `branch ${branch.name} was put at ${short}, which is a guess: check it`, volset });
  }
  meta.cut(volset);
}

/** Somebody forgot what our branch stands on: it lives, as wherever a ref is met that holds it (meta/known-tips). */
function keepForgotten(
  meta: MetaStore,
  trees: Trees,
  volset: VolsetId,
  { branch, snapshot, before }: { branch: BranchView; snapshot: SnapshotId; before: Told['self'] },
): void {
  if (before === undefined) return;
  const peer = storeId(before.install, before.epoch);
  const refs = [{ branch: branch.id, snapshot, revision: 1 }];
  meta.apply(volset, { peer, generations: [], refs, revision: 1, policy: 'newest' });
  const view = meta.findSnapshot(volset, snapshot);
  if (view && lackingAmong(trees, volset, [view]).next().done) meta.setBlobs(volset, [snapshot]);
}
