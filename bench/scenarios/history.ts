/**
 * What a sync costs as the history grows: nothing to do, and one new snapshot, at 10 snapshots and at 100,000 with
 * 1,000 branches. The histories are written into both stores directly; only the last session before the measurement and
 * those that are measured go over HTTP.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BranchId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Edit, MetaStore } from '../../src/meta/contract.ts';
import { openMetaStore } from '../../src/meta/index.ts';
import { bodyOf } from '../../src/sync/commit-snapshot.ts';
import { type Cost, run } from '../measure.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { at, type Bench, freePort, fresh, plait, Server } from '../tools.ts';

interface Size {
  name: string;
  snapshots: number;
  branches: number;
}

const SIZES: Size[] = [
  { name: 'plait', snapshots: 100_000, branches: 1000 },
  { name: 'plait, 10 snapshots', snapshots: 10, branches: 1 },
];
/** Edits of one transaction. */
const BATCH = 1000;

export async function historyScenarios(bench: Bench): Promise<{ scenarios: Scenario[]; stop(): Promise<void> }> {
  const servers: Server[] = [];
  for (const size of SIZES) servers.push(await prepare(bench, size));
  const [large, small] = SIZES;
  const goals = [
    { against: small.name, factor: 2 },
    { against: small.name, factor: 2, measure: 'sent' as const },
  ];
  return {
    scenarios: [
      {
        id: 'history-nothing',
        title: 'Sync with nothing to do, 100,000 snapshots and 1,000 branches',
        contenders: SIZES.map((s) => sync(bench, s, 1)),
        goals: [...goals, { factor: 10_000, measure: 'sent' }],
      },
      {
        id: 'history-one',
        title: 'Sync of one new snapshot, beside 100,000 and 1,000 branches',
        contenders: [large, small].map((s) => ({ ...sync(bench, s), prepare: () => edit(bench, s) })),
        goals,
      },
    ],
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

const dirOf = (bench: Bench, { snapshots }: Size): string => at(bench, `history-${snapshots}`);
const hubOf = (bench: Bench, { snapshots }: Size): string => at(bench, `history-hub-${snapshots}`);

const sync = (bench: Bench, size: Size, requests?: number): Contender => ({
  name: size.name,
  command: plait('-C', dirOf(bench, size), 'sync', '--json'),
  after: async ({ stdout }: Cost) => ({ sent: trafficOf(stdout, requests) }),
});

interface Told {
  requests: number;
  traffic: { sent: number; received: number };
}

/** Body bytes of all requests and answers of the session. Throws where it needed another number of requests. */
function trafficOf(stdout: string, expected: number | undefined): number {
  const { requests, traffic } = JSON.parse(stdout) as Told;
  if (expected !== undefined && requests !== expected) throw new Error(`${requests} requests in place of ${expected}`);
  return traffic.sent + traffic.received;
}

let edits = 0;
async function edit(bench: Bench, size: Size): Promise<void> {
  await writeFile(join(dirOf(bench, size), 'file'), `edit ${++edits}\n`);
  await run(plait('-C', dirOf(bench, size), 'snapshot'));
}

/** Both stores with the same history, and a hub that serves one of them. */
async function prepare(bench: Bench, size: Size): Promise<Server> {
  const [dir, hub] = [dirOf(bench, size), hubOf(bench, size)];
  const port = await freePort();
  const serve = (): Promise<Server> => Server.start(plait('serve', hub, '--listen', `127.0.0.1:${port}`), port);
  await fresh(dir);
  await mkdir(hub, { recursive: true });
  await writeFile(join(dir, 'file'), 'first\n');
  for (const args of [['init', '.'], ['snapshot'], ['remote', 'add', 'origin', `http://127.0.0.1:${port}`]]) {
    await run(plait('-C', dir, ...args));
  }
  const first = await serve();
  await run(plait('-C', dir, 'push'));
  await first.stop();
  lengthen(join(dir, '.plait', 'meta.db'), join(hub, 'meta.db'), size);
  const server = await serve();
  await run(plait('-C', dir, 'sync'));
  return server;
}

function lengthen(client: string, hub: string, { snapshots, branches }: Size): void {
  using ours = openMetaStore({ path: client });
  using theirs = openMetaStore({ path: hub });
  const volset = ours.listVolsets()[0].id;
  const { tip } = ours.listBranches(volset)[0];
  const made = addSnapshots(ours, volset, tip as SnapshotId, snapshots - 1);
  const vector = ours.cut(volset);
  const plan = ours.planDeltas(volset, theirs.vector(volset), 0);
  for (let cursor: string | undefined = plan.cursor; cursor !== undefined; ) {
    const page = ours.readDeltas(volset, cursor);
    theirs.apply(volset, { peer: ours.self.store, generations: page.generations, ...(!page.cursor && { vector }) });
    cursor = page.cursor;
  }
  theirs.setBlobs(volset, made);
  addBranches(ours, volset, made, branches - 1);
}

function addSnapshots(meta: MetaStore, volset: VolsetId, first: SnapshotId, count: number): SnapshotId[] {
  const branch = meta.listBranches(volset)[0].id;
  const root = meta.findSnapshot(volset, first)?.body.root;
  if (root === undefined) throw new Error('no first snapshot');
  const ids = [first];
  for (let done = 0; done < count; done += BATCH) {
    const edits: Edit[] = [];
    const from = ids[ids.length - 1];
    for (let i = done; i < Math.min(done + BATCH, count); i++) {
      const totals = { files: 1, bytes: 6 };
      const parents = [ids[ids.length - 1]];
      const { id, body } = bodyOf({
        volset,
        parents,
        root,
        created: 1_700_000_000_000 + i,
        creator: 'bench',
        ...totals,
      });
      edits.push({ edit: 'snapshot', id, body, blob: true });
      ids.push(id);
    }
    meta.commit(volset, [...edits, { edit: 'move-ref', branch, from, to: ids[ids.length - 1] }]);
  }
  return ids;
}

/** Spread over the history. */
function addBranches(meta: MetaStore, volset: VolsetId, snapshots: SnapshotId[], count: number): void {
  for (let i = 0; i < count; i++) {
    const branch = randomBytes(16).toString('hex') as BranchId;
    const to = snapshots[Math.floor((i / count) * snapshots.length)];
    meta.commit(volset, [
      { edit: 'create-branch', branch, name: `line-${i}`, creator: 'bench' },
      { edit: 'move-ref', branch, from: null, to },
    ]);
  }
}
