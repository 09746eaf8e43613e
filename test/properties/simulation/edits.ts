/** Generated edits of one store: what people and programs do between two syncs. */
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../../src/core/ids.ts';
import type { Peer } from '../../../src/core/peer.ts';
import { silentReporter } from '../../../src/core/reporter.ts';
import type { BranchView, Edit } from '../../../src/meta/contract.ts';
import { bodyOf, commitSnapshot } from '../../../src/sync/commit-snapshot.ts';
import type { Engine } from '../../../src/sync/engine.ts';
import type { Random } from '../../support/seed.ts';
import { fileEntries } from '../../transfer/support/history.ts';
import type { SimStore } from './sim-store.ts';

export interface EditWorld {
  random: Random;
  volset: VolsetId;
  /** Branches may be deleted; the volset as a whole only where it is said. */
  deletesVolset: boolean;
}

export const engineOf = (store: SimStore, random: Random, openPeer: Engine['openPeer']): Engine => ({
  dir: store.options.dir,
  meta: store.meta,
  blob: store.blob,
  manifest,
  world: { now: store.now, random: (bytes) => Buffer.from(random.hex(2 * bytes), 'hex'), creator: store.name },
  reporter: silentReporter,
  signal: new AbortController().signal,
  lockWaitMs: 1000,
  openPeer,
});

const noPeer = async (): Promise<Peer> => {
  throw new Error('an edit needs no peer');
};

/** Few values, so that both sides now and then change something alike; else such as were never there before. */
const someValue = (random: Random): string => {
  if (random.chance(0.4)) return `v${random.below(3)}`;
  // Compaction drops a long one sooner than a short one.
  return `v-${random.hex(8)}${'.'.repeat(random.below(2) * 200)}`;
};
const NAMES = ['main', 'work', 'test', 'old'];

/** One to four edits, some of them in one transaction. Answers whether anything was edited. */
export async function editSomething(world: EditWorld, store: SimStore): Promise<boolean> {
  const { random, volset } = world;
  if (!store.quietly.findVolset(volset)) return false;
  store.dirty = true;
  if (random.chance(0.25)) return saveSnapshot(world, store);
  const edits: Edit[] = [];
  const touched = new Set<string>();
  for (let n = 1 + random.below(3); n > 0; n--) {
    const edit = anEdit(world, store);
    const about = edit && aboutOf(edit);
    if (edit === undefined || about === undefined || touched.has(about)) continue;
    // Nothing can be edited in a volset that is gone.
    if (about === 'everything' && edits.length > 0) continue;
    touched.add(about);
    edits.push(edit);
    if (about === 'everything') break;
  }
  if (edits.length > 0) store.meta.commit(volset, edits);
  return edits.length > 0;
}

/** Two edits of one transaction are about different objects: the second was not made to follow the first. */
function aboutOf(edit: Edit): string {
  if (edit.edit === 'set') return edit.register.split(':').slice(0, 2).join(':');
  if (edit.edit === 'delete') return edit.object === 'volset' ? 'everything' : edit.object;
  if (edit.edit === 'create-branch' || edit.edit === 'move-ref') return `branch:${edit.branch}`;
  return 'volset';
}

function anEdit(world: EditWorld, store: SimStore): Edit | undefined {
  const { random, volset } = world;
  const branches = store.quietly.listBranches(volset);
  const branch = branches.length > 0 ? random.pick(branches) : undefined;
  const kind = random.below(100);
  if (kind < 35) return setVolset(random);
  if (kind < 46) return setSnapshot(world, store);
  if (kind < 50) return forgetOne(world, store);
  if (kind < 60)
    return { edit: 'create-branch', branch: random.hex(32) as BranchId, name: random.pick(NAMES), creator: store.name };
  if (kind < 72) return branch && { edit: 'set', register: `branch:${branch.id}:name`, value: random.pick(NAMES) };
  if (kind < 80) return branches.length > 1 ? branch && { edit: 'delete', object: `branch:${branch.id}` } : undefined;
  if (kind < 86) return branch && moveBranch(world, store, branch);
  if (kind < 98) return resolveOne(world, store);
  return world.deletesVolset ? { edit: 'delete', object: 'volset' } : undefined;
}

function setVolset(random: Random): Edit {
  const field = random.pick(['name', 'description', 'owner', 'attr:k1', 'attr:k2']);
  const value = field !== 'name' && random.chance(0.2) ? null : someValue(random);
  return { edit: 'set', register: `volset:${field}`, value };
}

function setSnapshot({ random, volset }: EditWorld, store: SimStore): Edit | undefined {
  const ids = store.quietly.snapshotPage(volset, null, 50);
  if (ids.length === 0) return undefined;
  const field = random.pick(['name', 'description', 'attr:k1']);
  return {
    edit: 'set',
    register: `snapshot:${random.pick(ids)}:${field}`,
    value: random.chance(0.2) ? null : someValue(random),
  };
}

/** Anything but what a branch of this store points at. */
function forgetOne({ random, volset }: EditWorld, store: SimStore): Edit | undefined {
  const tips = new Set(store.quietly.refs(volset, 'self').map(({ snapshot }) => snapshot));
  const ids = store.quietly.snapshotPage(volset, null, 50).filter((id) => !tips.has(id));
  return ids.length > 0 ? { edit: 'delete', object: `snapshot:${random.pick(ids)}` } : undefined;
}

function moveBranch({ random, volset }: EditWorld, store: SimStore, { id, tip }: BranchView): Edit | undefined {
  const missing = new Set(store.options.metadataOnly ? [] : store.quietly.missingBlobs(volset));
  const ids = store.quietly
    .snapshotPage(volset, null, 50)
    .filter((snapshot) => !missing.has(snapshot) && snapshot !== tip);
  return ids.length > 0 ? { edit: 'move-ref', branch: id, from: tip, to: random.pick(ids) } : undefined;
}

function resolveOne({ random, volset }: EditWorld, store: SimStore): Edit | undefined {
  const open = store.quietly.listConflicts(volset).filter(({ kind }) => kind === 'volset' || kind === 'snapshot');
  if (open.length === 0) return undefined;
  const { id, field } = random.pick(open);
  const choice = random.pick(['current', 'target', 'value'] as const);
  if (choice !== 'value') return { edit: 'resolve', conflict: id, choice: { choice } };
  const value = field !== 'name' && random.chance(0.2) ? null : someValue(random);
  return { edit: 'resolve', conflict: id, choice: { choice, value } };
}

/** A new tip of some branch, now and then a merge of two, in the order in which a real one is written. */
async function saveSnapshot({ random, volset }: EditWorld, store: SimStore): Promise<boolean> {
  const branches = store.quietly.listBranches(volset);
  if (branches.length === 0) return false;
  const { id: branch, tip } = random.pick(branches);
  const other = random.chance(0.2) ? random.pick(branches).tip : null;
  const parents = [...new Set([tip, other].filter((id): id is SnapshotId => id !== null))];
  const engine = engineOf(store, random, noPeer);
  await using writer = store.blob.writer(volset);
  const entries = fileEntries({ [`f${random.below(3)}`]: random.hex(8), g: 'common' }, (bytes) =>
    writer.putObject(0, bytes),
  );
  const root = manifest.build(writer, entries);
  const totals = { files: entries.length, bytes: entries.reduce((sum, { size }) => sum + size, 0) };
  const made = bodyOf({ volset, parents, root, created: store.now(), creator: store.name, ...totals });
  const labels = random.chance(0.3) ? { name: `s${random.below(5)}`, attrs: { k1: someValue(random) } } : {};
  await commitSnapshot(engine, writer, made, { branch, from: tip }, labels);
  return true;
}
