import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SnapshotId, WriteId } from '../../src/core/ids.ts';
import { type AnyRecord, pastOf, type Write } from '../../src/core/records.ts';
import { type Applied, type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import { addSnapshot, branchId, fetchFrom, grow, memoryStore, seed, set, snapshotOf, V, visible } from './helpers.ts';

describe('metadata: ephemeral stores', () => {
  let dir: string;
  let hub: MetaStore;
  let job: MetaStore;
  const opened: MetaStore[] = [];
  const openJob = (name: string): MetaStore => {
    mkdirSync(join(dir, name), { recursive: true });
    const meta = openMetaStore({ path: join(dir, name, 'meta.db'), create: true, ephemeral: true });
    opened.push(meta);
    return meta;
  };
  const copyJob = (name: string): MetaStore => {
    cpSync(join(dir, 'job'), join(dir, name), { recursive: true });
    return openJob(name);
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    hub = memoryStore();
    opened.push(hub);
    seed(hub);
    hub.cut(V);
    job = openJob('job');
    fetchFrom(job, hub);
  });
  afterEach(() => {
    for (const meta of opened.splice(0)) {
      assert.deepEqual(meta.verify(), []);
      meta[Symbol.dispose]();
    }
    rmSync(dir, { recursive: true });
  });
  const handOver = (from: MetaStore, records = from.openRecords(V)): Applied =>
    hub.handOver(V, from.self.store, records);

  it('never close a generation, however much there is', () => {
    const before = job.vector(V);
    for (let i = 0; i < 1100; i++) job.commit(V, [set('volset:attr:k', `${i}`), addSnapshot(snapshotOf([]))]);
    assert.deepEqual(job.cut(V), before);
    assert.equal(job.openRecords(V).length, 2200);
    assert.deepEqual(
      job.unpackedGenerations(10).map(({ generation }) => generation.store),
      [hub.self.store],
    );
  }).timeout(20_000);
  it('hand their records over in order; the other logs them as its own, at once', () => {
    const tip = grow(job);
    job.commit(V, [set(`snapshot:${tip}:name`, 'v1'), set('volset:description', 'by a job')]);
    const applied = handOver(job);
    assert.deepEqual([applied.generations, applied.snapshots], [1, [tip]]);
    assert.deepEqual(applied.vector, hub.vector(V));
    assert.deepEqual(Object.keys(applied.vector), [hub.self.store]);
    assert.equal(hub.findVolset(V)?.description, 'by a job');
    assert.deepEqual(hub.snapshotsByName(V, 'v1'), [tip]);
    assert.deepEqual(hub.listMembers(V), [], 'whoever issues nothing is no member');
  });
  it('sent again (a lost answer) changes nothing', () => {
    grow(job);
    const [first, again] = [handOver(job), handOver(job)];
    assert.deepEqual([again.vector, again.generations, again.snapshots], [first.vector, 0, []]);
  });
  it('when the generation comes back the open copies go, the edits made meanwhile stay', () => {
    job.commit(V, [set('volset:description', 'one')]);
    handOver(job);
    job.commit(V, [set('volset:description', 'two')]);
    assert.deepEqual(fetchFrom(job, hub).conflicts, []);
    const open = job.openRecords(V) as Write[];
    assert.deepEqual(
      open.map(({ value }) => value),
      ['two'],
    );
    assert.deepEqual(job.verify(), []);
    job.commit(V, [set('volset:owner', 'me')]);
    assert.equal(handOver(job).generations, 1);
    fetchFrom(job, hub);
    assert.deepEqual([job.openRecords(V), job.vector(V)], [[], hub.vector(V)]);
    assert.deepEqual(visible(job), visible(hub));
  });
  it('a snapshot and a moved ref end with nothing open and equal heads', () => {
    const from = job.findBranch(V, branchId(1))?.tip ?? (hub.findBranch(V, branchId(1))?.tip as SnapshotId);
    job.setBlobs(V, [from]);
    if (!job.findBranch(V, branchId(1))?.tip)
      job.commit(V, [{ edit: 'move-ref', branch: branchId(1), from: null, to: from }]);
    const tip = grow(job);
    handOver(job);
    hub.setBlobs(V, [tip]);
    assert.equal(hub.moveRefs(V, [{ branch: branchId(1), from, to: tip }]).moved, true);
    fetchFrom(job, hub);
    assert.deepEqual([job.openRecords(V), job.vector(V)], [[], hub.vector(V)]);
    assert.equal(hub.findBranch(V, branchId(1))?.tip, job.findBranch(V, branchId(1))?.tip);
    assert.deepEqual(visible(job), visible(hub));
  });
  it('resolutions of theirs stay open, and travel as the rest does', () => {
    job.commit(V, [set('volset:description', 'of the job')]);
    hub.commit(V, [set('volset:description', 'of the hub')]);
    const applied = fetchFrom(job, hub, { policy: 'current' });
    assert.equal(applied.conflicts.length, 1);
    assert.equal(job.findVolset(V)?.description, 'of the job');
    handOver(job);
    fetchFrom(job, hub);
    assert.deepEqual([job.openRecords(V), visible(job)], [[], visible(hub)]);
    assert.deepEqual(
      hub.listConflicts(V).map(({ id }) => id),
      job.listConflicts(V).map(({ id }) => id),
    );
  });
  it('100 copies of one of them: the vector of the hub does not grow', () => {
    job.commit(V, [set('volset:attr:cached', 'before the copies')]);
    job[Symbol.dispose]();
    opened.splice(opened.indexOf(job), 1);
    for (let i = 0; i < 100; i++) {
      const copy = copyJob(`job-${i}`);
      fetchFrom(copy, hub, { policy: 'target' });
      const snapshot = snapshotOf(copy.snapshotPage(V, null, 1000).slice(-1));
      copy.commit(V, [addSnapshot(snapshot), set(`volset:attr:${i % 7}`, `${i}`)]);
      handOver(copy);
      fetchFrom(copy, hub);
      assert.deepEqual(copy.openRecords(V), []);
      copy[Symbol.dispose]();
      opened.pop();
    }
    assert.deepEqual(Object.keys(hub.vector(V)), [hub.self.store]);
    assert.equal(hub.findVolset(V)?.snapshots, 101);
    assert.deepEqual(hub.findVolset(V)?.attrs['1'], '99');
    assert.deepEqual(hub.listMembers(V), []);
  }).timeout(60_000);
  it('two copies that made the same records: logged once', () => {
    const snapshot = snapshotOf(job.snapshotPage(V, null, 10));
    job.commit(V, [addSnapshot(snapshot)]);
    const twin = copyJob('twin');
    assert.deepEqual([handOver(job).generations, handOver(twin).generations], [1, 0]);
    fetchFrom(twin, hub);
    assert.deepEqual(twin.openRecords(V), []);
  });
  it('a third store gets what they made as generations of the hub, and a compacted hub drops it here as well', () => {
    for (const text of ['x', 'y', 'z']) job.commit(V, [set('volset:description', text.repeat(50))]);
    handOver(job);
    const third = memoryStore();
    opened.push(third);
    fetchFrom(third, hub);
    assert.deepEqual(visible(third), visible(hub));
    assert.equal(hub.compact(V, { retireAfterMs: 1e15 }).dropped, 2);
    assert.deepEqual(fetchFrom(job, hub).conflicts, []);
    assert.deepEqual([job.openRecords(V), visible(job)], [[], visible(hub)]);
  });
  it('of a store that closes generations there is nothing to hand over', () => {
    hub.commit(V, [set('volset:description', 'open')]);
    assert.deepEqual(hub.openRecords(V), []);
    assert.deepEqual(job.openRecords('d0'.repeat(16) as never), []);
  });

  describe('is refused, and changes nothing', () => {
    const good = (): Write => {
      job.commit(V, [set('volset:description', 'one')]);
      return job.openRecords(V)[0] as Write;
    };
    const ghost = 'ee'.repeat(32) as WriteId;
    const cases: [string, () => [MetaStore, AnyRecord[]], string][] = [
      ['a malformed record', () => [job, [{ ...good(), stamp: 'x' }]], 'protocol'],
      ['a dropped one', () => [job, [pastOf(good()) as never]], 'protocol'],
      ['an unknown parent', () => [job, [good(), { ...good(), parents: [ghost] }]], 'protocol'],
      ['a snapshot of an unknown parent', () => [job, [snapshotOf([ghost as never]).body]], 'protocol'],
      ['from ourselves', () => [hub, [good()]], 'protocol'],
    ];
    for (const [what, make, code] of cases)
      it(what, () => {
        const [from, records] = make();
        const before = [visible(hub), hub.vector(V)];
        assert.throws(() => handOver(from, records), { code });
        assert.deepEqual([visible(hub), hub.vector(V)], before);
      });
    it('from a store that has closed generations', () => {
      const other = memoryStore();
      opened.push(other);
      fetchFrom(other, hub);
      other.commit(V, [set('volset:owner', 'o')]);
      fetchFrom(hub, other);
      assert.throws(() => handOver(other, [good()]), { code: 'protocol' });
    });
    it('to one that is ephemeral itself', () => {
      const other = openJob('other');
      fetchFrom(other, hub);
      assert.throws(() => other.handOver(V, job.self.store, [good()]), { code: 'usage' });
    });
  });
});
