import assert from 'node:assert/strict';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import type { Edit } from '../../src/meta/contract.ts';
import { bodyOf } from '../../src/sync/commit-snapshot.ts';
import { listQueue } from '../../src/sync/queue.ts';
import { type Client, type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const DAY = 86_400_000;
const FIRST = Date.parse('2100-01-01T12:00:00Z');

/** `count` snapshots of one tree on top of main, a day apart. */
function extend(client: Client, count: number): SnapshotId[] {
  const tip = client.tip();
  const view = tip && client.meta.findSnapshot(VOLSET, tip);
  assert.ok(tip && view);
  const ids: SnapshotId[] = [];
  const edits: Edit[] = [];
  for (let n = 0; n < count; n++) {
    const parents = [ids.at(-1) ?? tip];
    const { root, files, bytes } = view.body;
    const created = FIRST + n * DAY;
    const { id, body } = bodyOf({ volset: VOLSET, parents, root, created, creator: 'test', files, bytes });
    edits.push({ edit: 'snapshot', id, body, blob: true });
    ids.push(id);
  }
  client.meta.commit(VOLSET, [...edits, { edit: 'move-ref', branch: MAIN, from: tip, to: ids[count - 1] }]);
  return ids;
}

/** Ids of each call of offer or request. */
function watch(client: Client, name: 'offer' | 'request'): SnapshotId[][] {
  const calls: SnapshotId[][] = [];
  client.meddle = (peer) =>
    new Proxy(peer, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (key === name) calls.push((args[1] as { id: SnapshotId }[]).map(({ id }) => id));
          return value.apply(target, args);
        };
      },
    }) as Peer;
  return calls;
}

describe('sync: what a selection moves', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  let root: SnapshotId;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    root = await a.save({ f: '1' });
  });
  afterEach(() => rig[Symbol.asyncDispose]());
  const held = async () => {
    const missing = new Set(await hub.thread.meta.missingBlobs(VOLSET));
    return (ids: SnapshotId[]) => ids.map((id) => !missing.has(id));
  };

  it('hundreds of snapshots are negotiated in one round trip, either way', async function () {
    this.timeout(120_000);
    const ids = extend(a, 300);
    const offers = watch(a, 'offer');
    assert.equal((await a.run('push')).result.pushed.snapshots, 301);
    // The tip is asked for before its history; neither takes more than one request.
    assert.ok(offers.length <= 2, `${offers.length} requests`);
    assert.deepEqual(new Set(offers.flat()), new Set([root, ...ids]));
    const requests = watch(b, 'request');
    assert.equal((await b.run('pull')).result.pulled.snapshots, 301);
    assert.deepEqual(requests, [[root, ...ids]]);
  });

  it('named ones in any order are sent oldest first, and no tip moves', async () => {
    const ids = extend(a, 6);
    const offers = watch(a, 'offer');
    const { result } = await a.run('push', { snapshots: [ids[4], ids[0], ids[2]] });
    assert.equal(result.pushed.snapshots, 3);
    assert.deepEqual(offers, [[ids[0], ids[2], ids[4]]]);
    assert.deepEqual((await held())([root, ...ids]), [false, true, false, true, false, true, false]);
    assert.deepEqual(await hub.thread.meta.refs(VOLSET, 'self'), []);
    const requests = watch(b, 'request');
    await b.run('pull', { snapshots: [ids[2], ids[0]] });
    assert.deepEqual(requests, [[ids[0], ids[2]]]);
  });

  const since: [string, (ids: SnapshotId[]) => string][] = [
    ['a date', () => '2100-01-04'],
    ['a reference', (ids) => ids[2]],
  ];
  for (const [what, of] of since) {
    it(`--since ${what}: what is younger, and the rest by a later whole push`, async () => {
      const ids = extend(a, 6);
      const { result } = await a.run('push', { since: of(ids) });
      assert.equal(result.pushed.snapshots, 3);
      assert.deepEqual((await held())([root, ...ids]), [false, false, false, false, true, true, true]);
      assert.equal((await a.run('push')).result.pushed.snapshots, 4);
      await b.run('pull', { since: of(ids) });
      assert.deepEqual(b.meta.missingBlobs(VOLSET).sort(), [root, ...ids.slice(0, 3)].sort());
    });
  }

  it('--metadata-only moves no data and no tip, and what is absent is no fault', async () => {
    await a.run('push', { metadataOnly: true });
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), [root]);
    const { exits, result } = await b.run('pull');
    assert.deepEqual([exits, result.problems, b.tip()], [[], [], null]);
    assert.equal(b.meta.findSnapshot(VOLSET, root)?.hasBlob, false);
    assert.equal((await a.run('push')).result.pushed.snapshots, 1);
    assert.equal((await b.run('pull')).result.pulled.snapshots, 1);
  });

  it('a selection that is kept for the remote holds in every session without one of its own', async () => {
    a.branch(SIDE, 'side', root);
    await a.run('push');
    b.meta.putRemote({ ...b.remote, selection: { branches: ['side'] } });
    await b.run('pull');
    await a.save({ f: '2' });
    const side = await a.save({ f: 's' }, SIDE);
    await a.run('push');
    assert.equal((await b.run('pull')).result.pulled.snapshots, 1);
    assert.deepEqual([b.tip(MAIN), b.tip(SIDE)], [null, side]);
  });

  it('a limit is told snapshot by snapshot (exit 15); what it refused is dead until it is queued again', async () => {
    await a.run('push');
    await hub.stop();
    const full = await rig.hub('hub', 0, { limits: { snapshotBytes: 10 } });
    a.follow('origin', full);
    const large = await a.save({ f: 'x'.repeat(1000) });
    const small = await a.save({ f: 'y' });
    const { result, exits } = await a.run('push');
    assert.deepEqual(exits, [15, 3]);
    assert.deepEqual(
      result.problems.map(({ what, snapshot }) => [what, snapshot]),
      [['declined', large]],
    );
    assert.equal(await full.thread.meta.findBranch(VOLSET, MAIN).then((view) => view?.tip), small);
    const [{ entries, dead }] = listQueue(a.engine).result.remotes;
    assert.deepEqual(entries, []);
    assert.deepEqual(
      dead.map(({ snapshot, error }) => [snapshot, error?.code]),
      [[large, 'quota']],
    );
    await full.stop();
    a.follow('origin', await rig.hub());
    a.engine.meta.requeue({ dead: true });
    assert.equal((await a.run('push')).result.pushed.snapshots, 1);
  });
});
