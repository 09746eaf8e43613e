/** `plait status`: unsaved changes, and how the branches stand to what the remotes last told. */
import { compareTips } from '../core/ancestry.ts';
import { DEFAULT_MAX_DELETE } from '../core/guards.ts';
import { installOf, type SnapshotId, type VolsetId } from '../core/ids.ts';
import { branchSnapshots } from '../core/iterators.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { warnOfDeletedBranch } from './branches.ts';
import { addChange, emptyDiff } from './compare.ts';
import { currentVolset, type Engine, type Outcome, outcome } from './engine.ts';
import { tryHoldVolume } from './hold-volume.ts';
import { problemRow } from './problems.ts';
import { queueCount } from './queue.ts';
import { remoteTips } from './references.ts';
import { replicate } from './replicate.ts';
import type { StatusResult } from './results.ts';
import { compareWithBase } from './working-tree.ts';

export interface StatusOptions {
  /** Ask the remotes first (a fetch of records). */
  remote: boolean;
  exitCode: boolean;
}

export async function status(engine: Engine, options: StatusOptions): Promise<Outcome<StatusResult>> {
  const volset = currentVolset(engine);
  const exits: number[] = [];
  const remotes = engine.meta.listRemotes().filter((r) => r.volset === undefined || r.volset === volset.id);
  if (options.remote) {
    for (const remote of remotes.filter((r) => r.enabled)) {
      const fetched = await replicate(engine, 'fetch', remote, {
        selection: {},
        dryRun: false,
        maxDelete: DEFAULT_MAX_DELETE,
        failIfUnchanged: false,
      });
      exits.push(...fetched.exits.filter((code) => code !== 6));
    }
  }
  const tree = await workingState(engine);
  const branch = engine.meta.listBranches(volset.id).find((b) => b.id === engine.volume?.state.branch);
  warnOfDeletedBranch(engine, volset.id);
  const known = engine.meta.listRemotes().filter((r) => remotes.some((other) => other.name === r.name));
  const result: StatusResult = {
    volset: volset.name,
    volsetId: volset.id,
    branch: branch?.name ?? null,
    tip: branch?.tip ?? null,
    base: engine.volume?.state.base ?? null,
    ...tree,
    conflicts: engine.meta.listConflicts(volset.id).length,
    queue: queueCount(engine.meta, { volset: volset.id }).waiting,
    remotes: known.map((remote) => remoteState(engine, volset.id, remote)),
  };
  if (tree.problems.length > 0) exits.push(3);
  if (options.exitCode && !tree.clean) exits.push(7);
  return outcome(result, ...exits);
}

type TreeState = Pick<StatusResult, 'clean' | 'added' | 'modified' | 'deleted' | 'typeChanged' | 'problems'>;

async function workingState(engine: Engine): Promise<TreeState> {
  const found = emptyDiff();
  if (!engine.volume) return { clean: true, ...found, problems: [] };
  using held = await tryHoldVolume(engine, engine.volume);
  await using writer = engine.blob.writer(engine.volume.state.volset, { signal: engine.signal, dryRun: true });
  const { changes, baseRoot } = compareWithBase(engine, engine.volume, writer, { looksOnly: !held });
  let any = false;
  for await (const change of changes) {
    addChange(found, change);
    any = true;
  }
  // What was re-read and found equal need not be read again next time.
  if (held && !any && baseRoot !== null) changes.keepCache(baseRoot);
  return { clean: !any, ...found, problems: changes.outcome.problems.map(problemRow) };
}

function remoteState(engine: Engine, volset: VolsetId, remote: RemoteConfig): StatusResult['remotes'][number] {
  const peer = remote.identity && engine.meta.peer(installOf(remote.identity), volset);
  const theirs = new Map((remoteTips(engine, volset, remote.name) ?? []).map((tip) => [tip.branch, tip]));
  const branches = engine.meta.listBranches(volset).map(({ id, name, tip }) => {
    const target = theirs.get(id)?.tip ?? null;
    return { name, ...distance(engine, volset, tip, target) };
  });
  const lastSync = peer && peer.lastSync !== null ? new Date(peer.lastSync).toISOString() : null;
  const { waiting: queued, dead } = queueCount(engine.meta, { remote: remote.name, volset });
  return { name: remote.name, queued, dead, branches, lastSync };
}

function distance(engine: Engine, volset: VolsetId, ours: SnapshotId | null, theirs: SnapshotId | null) {
  const lookup = (ids: SnapshotId[]) => engine.meta.lineage(volset, ids);
  if (ours !== null && theirs !== null) {
    const { ahead, behind, relation } = compareTips(lookup, ours, theirs);
    return { ahead, behind, diverged: relation === 'diverged' || relation === 'unrelated' };
  }
  return {
    ahead: ours === null ? 0 : countLine(engine, volset, ours),
    behind: theirs === null ? 0 : countLine(engine, volset, theirs),
    diverged: false,
  };
}

function countLine(engine: Engine, volset: VolsetId, tip: SnapshotId): number {
  let count = 0;
  for (const _ of branchSnapshots((ids) => engine.meta.lineage(volset, ids), tip)) count++;
  return count;
}
