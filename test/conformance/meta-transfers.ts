/** Numbers of blobs, seals and the queue: the part of meta.ts that transfers stand on. */
import assert from 'node:assert/strict';
import type { InstallId, SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import type { Interval } from '../../src/core/intervals.ts';
import type { Outcome, Priority, QueueItem, SealKey } from '../../src/meta/contract.ts';
import type { MetaStore } from '../../src/meta/index.ts';
import { addSnapshot, grow, seed, snapshotOf, V } from '../meta/helpers.ts';

const INSTALL = 'ab'.repeat(16) as InstallId;
const SENDER = `${INSTALL}.1` as StoreId;
const KEY: SealKey = { volset: V, sender: SENDER, owner: 'bearer' };
const OTHER = 'd0'.repeat(16) as VolsetId;
const ERROR = { code: 'no-space', message: 'full' } as const;
const UNKNOWN = snapshotOf([]).id;

export function transferConformance(stores: () => { a: MetaStore; b: MetaStore }): void {
  let a: MetaStore;
  let b: MetaStore;
  beforeEach(() => {
    ({ a, b } = stores());
  });

  /** `count` snapshots on the branch, the first included. */
  const line = (count: number): SnapshotId[] => [seed(a), ...Array.from({ length: count - 1 }, () => grow(a))];

  describe('numbers of blobs', () => {
    const rows = (first = 1, last = 99, limit = 99) => a.numberedBlobs(V, first, last, limit);

    it('are given in the order in which blobs become complete, once each', () => {
      assert.equal(a.blobHead(V), 0);
      const [x, y] = line(2);
      const [bare, early] = [snapshotOf([y]), snapshotOf([y])];
      a.commit(V, [addSnapshot(bare, false)]);
      assert.equal(a.blobHead(V), 2);
      a.setBlobs(V, [early.id, y, bare.id, early.id], { from: INSTALL });
      a.commit(V, [addSnapshot(early, true)]);
      a.setBlobs(V, [bare.id]);
      assert.equal(a.blobHead(V), 4);
      assert.deepEqual(rows(), [
        { number: 1, snapshot: x, from: null },
        { number: 2, snapshot: y, from: null },
        { number: 3, snapshot: early.id, from: INSTALL },
        { number: 4, snapshot: bare.id, from: INSTALL },
      ]);
      assert.deepEqual(a.blobNumbers(V, [bare.id, UNKNOWN, x]), { [bare.id]: 4, [x]: 1 });
    });
    it('are paged', () => {
      line(5);
      assert.deepEqual(
        rows(2, 4).map(({ number }) => number),
        [2, 3, 4],
      );
      assert.deepEqual(
        rows(2, 99, 2).map(({ number }) => number),
        [2, 3],
      );
      assert.deepEqual(rows(6), []);
    });
    it('of a transaction that fails are not given', () => {
      const [x] = line(1);
      const next = snapshotOf([x]);
      const fails = { edit: 'delete', object: `branch:${'9'.repeat(32)}` } as const;
      assert.throws(() => a.commit(V, [addSnapshot(next), fails]), { code: 'not-found' });
      assert.throws(() => a.setBlobs(V, [next.id], { seal: { key: KEY, numbers: { [next.id]: 0 } } }), {
        code: 'protocol',
      });
      assert.equal(a.blobHead(V), 1);
      assert.deepEqual(a.missingBlobs(V, [next.id]), [next.id]);
    });
    it('are given anew to blobs that somebody was told to be gone', () => {
      const [x, y] = line(2);
      a.setBlobs(V, [UNKNOWN], { from: INSTALL });
      a.renumber(V, [UNKNOWN, x, x, 'e1'.repeat(32) as SnapshotId]);
      assert.deepEqual(rows(), [
        { number: 2, snapshot: y, from: null },
        { number: 4, snapshot: UNKNOWN, from: INSTALL },
        { number: 5, snapshot: x, from: null },
      ]);
      assert.deepEqual([a.blobHead(V), a.verify()], [5, []]);
    });
    it('are of one volset, and there are none of an unknown one', () => {
      line(2);
      a.setBlobs(OTHER, [UNKNOWN]);
      assert.deepEqual([a.blobHead(V), a.blobHead(OTHER)], [2, 1]);
      const none = 'd1'.repeat(16) as VolsetId;
      assert.deepEqual([a.blobHead(none), a.numberedBlobs(none, 1, 9, 9), a.blobNumbers(none, [UNKNOWN])], [0, [], {}]);
    });
    it('came from nobody once their sender is forgotten, and keep their place', () => {
      const [x] = line(1);
      a.setBlobs(V, [UNKNOWN], { from: INSTALL });
      a.forgetPeer('cd'.repeat(16) as InstallId, V);
      assert.equal(rows()[1].from, INSTALL);
      a.forgetPeer(INSTALL, V);
      assert.deepEqual(rows(), [
        { number: 1, snapshot: x, from: null },
        { number: 2, snapshot: UNKNOWN, from: null },
      ]);
    });
    it('refuse a peer that is none', () => {
      assert.throws(() => a.setBlobs(V, [UNKNOWN], { from: 'x' as InstallId }), { code: 'protocol' });
    });
  });

  describe('seals', () => {
    it('are of what is complete here, and of what is declared missing', () => {
      const [x, y] = line(2);
      assert.deepEqual(a.sealed(KEY), []);
      assert.deepEqual(a.seal(KEY, { [x]: 7, [UNKNOWN]: 8 }, []), [[7, 7]]);
      assert.deepEqual(a.seal(KEY, { [y]: 5 }, [[1, 3]]), [
        [1, 3],
        [5, 5],
        [7, 7],
      ]);
      assert.deepEqual(a.seal(KEY, {}, [[4, 4]]), [
        [1, 5],
        [7, 7],
      ]);
      assert.deepEqual(a.sealed(KEY), [
        [1, 5],
        [7, 7],
      ]);
      assert.deepEqual(a.seal(KEY, {}, [[1, 100]]), [[1, 100]]);
    });
    it('come with the very blobs that they speak of', () => {
      line(1);
      const [x, y] = [snapshotOf([]).id, snapshotOf([]).id];
      a.setBlobs(V, [x], { seal: { key: KEY, numbers: { [x]: 1, [y]: 2 } } });
      assert.deepEqual(a.sealed(KEY), [[1, 1]]);
      a.setBlobs(V, [y], { seal: { key: KEY, numbers: { [x]: 1, [y]: 2 } } });
      assert.deepEqual(a.sealed(KEY), [[1, 2]]);
    });
    const others: [string, Partial<SealKey>][] = [
      ['another epoch', { sender: `${INSTALL}.2` as StoreId }],
      ['another store', { sender: `${'ac'.repeat(16)}.1` as StoreId }],
      ['another bearer', { owner: 'x' }],
      ['another volset', { volset: OTHER }],
    ];
    for (const [what, other] of others) {
      it(`say nothing of ${what}`, () => {
        const [x] = line(1);
        a.seal(KEY, { [x]: 1 }, [[4, 9]]);
        assert.deepEqual(a.sealed({ ...KEY, ...other }), []);
        a.seal({ ...KEY, ...other }, {}, [[2, 2]]);
        assert.deepEqual(a.sealed(KEY), [
          [1, 1],
          [4, 9],
        ]);
      });
    }
    it('are forgotten with the peer, whatever its epoch', () => {
      const second = { ...KEY, sender: `${INSTALL}.2` as StoreId };
      const stranger = { ...KEY, sender: `${'ac'.repeat(16)}.1` as StoreId };
      for (const key of [KEY, second, stranger]) a.seal(key, {}, [[1, 1]]);
      assert.deepEqual(
        [KEY, second, stranger].map((key) => a.sealed(key).length),
        [1, 1, 1],
      );
      a.forgetPeer(INSTALL, V);
      assert.deepEqual(
        [KEY, second, stranger].map((key) => a.sealed(key).length),
        [0, 0, 1],
      );
    });
    const refused: [string, Record<SnapshotId, number>, unknown][] = [
      ['a number 0', { [UNKNOWN]: 0 }, []],
      ['half a number', { [UNKNOWN]: 1.5 }, []],
      ['a number beyond 2^53', { [UNKNOWN]: 2 ** 53 }, []],
      [
        'intervals that touch',
        {},
        [
          [1, 2],
          [3, 4],
        ],
      ],
      [
        'falling intervals',
        {},
        [
          [5, 6],
          [1, 2],
        ],
      ],
    ];
    for (const [what, numbers, missing] of refused) {
      it(`refuse ${what}`, () => {
        line(1);
        assert.throws(() => a.seal(KEY, numbers, missing as Interval[]), { code: 'protocol' });
        assert.deepEqual(a.sealed(KEY), []);
      });
    }
    it('of one sender are bounded: the lowest stay', () => {
      line(1);
      for (let i = 0; i < 3; i++) {
        const missing = Array.from({ length: 500 }, (_, k): Interval => [1 + 2 * (500 * i + k), 1 + 2 * (500 * i + k)]);
        a.seal(KEY, {}, missing);
      }
      const sealed = a.sealed(KEY);
      assert.deepEqual([sealed.length, sealed[0], sealed[999]], [1000, [1, 1], [1999, 1999]]);
    });
  });

  describe('the queue', () => {
    const put = (ids: SnapshotId[], priority: Priority = 1, remote = 'origin', now = 5): number =>
      a.enqueue(
        V,
        remote,
        ids.map((snapshot) => ({ snapshot, priority })),
        now,
      );
    const all = (remote = 'origin'): QueueItem[] => a.queue({ remote }, { limit: 100 });
    const ids = (items: QueueItem[]): SnapshotId[] => items.map(({ snapshot }) => snapshot);

    it('is read by priority, then in order of acceptance', () => {
      const [x, y, z] = line(3);
      assert.equal(put([x], 0), 1);
      assert.equal(put([z, y], 2), 2);
      assert.deepEqual(ids(all()), [z, y, x]);
      const [{ n, ...item }] = all();
      assert.ok(n > 0);
      const same = { remote: 'origin', volset: V, snapshot: z, priority: 2, attempts: 0, notBefore: 0, added: 5 };
      assert.deepEqual(item, { ...same, dead: false });
    });
    it('holds a snapshot once for a remote: it keeps its place and takes the higher priority', () => {
      const [x, y] = line(2);
      put([x, y]);
      const [first] = all();
      assert.equal(put([x], 0), 0);
      assert.equal(put([y, x], 2), 0);
      assert.deepEqual(
        all().map(({ snapshot, priority }) => [snapshot, priority]),
        [
          [x, 2],
          [y, 2],
        ],
      );
      assert.equal(all()[0].n, first.n);
      assert.equal(put([x], 1, 'backup'), 1);
      assert.equal(put([x], 1, 'backup'), 0);
    });
    it('is paged, over remotes and priorities', () => {
      const snapshots = line(9);
      for (const [i, id] of snapshots.entries()) put([id], (i % 3) as Priority, i % 2 ? 'origin' : 'backup');
      a.settle(V, 'backup', [{ snapshot: snapshots[4], outcome: 'missing', error: ERROR }]);
      const whole = a.queue({}, { limit: 99 });
      assert.equal(whole.length, 9);
      const order = [...whole].sort((p, q) => q.priority - p.priority || p.n - q.n);
      assert.deepEqual(whole, order);
      const paged: QueueItem[] = [];
      for (let page = a.queue({}, { limit: 2 }); page.length > 0; page = a.queue({}, { limit: 2, after: page.at(-1) }))
        paged.push(...page);
      assert.deepEqual(paged, whole);
      assert.deepEqual(a.queue({}), whole);
    });
    it('is filtered', () => {
      const [x, y, z] = line(3);
      put([x, y]);
      put([y, z], 0, 'backup');
      a.settle(V, 'origin', [{ snapshot: x, outcome: 'rejected', error: ERROR }]);
      const found = (filter: Parameters<MetaStore['queue']>[0]) => ids(a.queue(filter, { limit: 9 }));
      assert.deepEqual(found({ remote: 'backup' }), [y, z]);
      assert.deepEqual(found({ volset: V, dead: true }), [x]);
      assert.deepEqual(found({ dead: false }), [y, y, z]);
      assert.deepEqual(found({ snapshots: [y, y, UNKNOWN] }), [y, y]);
      assert.deepEqual(found({ snapshots: [] }), []);
      assert.deepEqual(found({ volset: OTHER }), []);
      assert.deepEqual(found({ remote: 'x' }), []);
      assert.deepEqual(a.queueCounts({ remote: 'origin' }), [{ remote: 'origin', volset: V, waiting: 1, dead: 1 }]);
      assert.deepEqual(
        a
          .queueCounts()
          .map(({ remote }) => remote)
          .sort(),
        ['backup', 'origin'],
      );
      assert.deepEqual(a.queueCounts({ snapshots: [z] }), [{ remote: 'backup', volset: V, waiting: 1, dead: 0 }]);
    });
    const outcomes: [Outcome['outcome'], 'gone' | 'dead' | 'waiting'][] = [
      ['durable', 'gone'],
      ['notWanted', 'gone'],
      ['cancelled', 'gone'],
      ['missing', 'dead'],
      ['rejected', 'dead'],
      ['retry', 'waiting'],
    ];
    for (const [outcome, becomes] of outcomes) {
      it(`${outcome} leaves an item ${becomes}, and no other`, () => {
        const [x, y] = line(2);
        put([x, y]);
        put([x], 1, 'backup');
        a.settle(V, 'origin', [{ snapshot: x, outcome, error: ERROR, notBefore: 70 } as Outcome]);
        const [now] = a.queue({ remote: 'origin', snapshots: [x] }, { limit: 9 });
        if (becomes === 'gone') assert.equal(now, undefined);
        else assert.deepEqual([now.dead, now.error], [becomes === 'dead', ERROR]);
        if (becomes === 'waiting') assert.deepEqual([now.attempts, now.notBefore], [1, 70]);
        assert.deepEqual(
          all('backup').map(({ snapshot, error }) => [snapshot, error]),
          [[x, undefined]],
        );
        assert.deepEqual(ids(all()).includes(y), true);
      });
    }
    it('passes over outcomes of what is not in it', () => {
      const [x, y] = line(2);
      put([x]);
      a.settle(V, 'origin', [{ snapshot: y, outcome: 'durable' }]);
      a.settle(OTHER, 'origin', [{ snapshot: x, outcome: 'durable' }]);
      a.settle(V, 'backup', [{ snapshot: x, outcome: 'durable' }]);
      assert.deepEqual(ids(all()), [x]);
    });
    it('lets the dead live again when they are accepted again, or by a word', () => {
      const [x, y, z] = line(3);
      put([x, y, z]);
      const error = { ...ERROR };
      a.settle(V, 'origin', [
        { snapshot: x, outcome: 'rejected', error },
        { snapshot: y, outcome: 'missing', error },
        { snapshot: z, outcome: 'retry', error, notBefore: 99 },
      ]);
      assert.equal(put([x]), 0);
      const state = () => all().map(({ snapshot, dead, notBefore }) => [snapshot, dead, notBefore]);
      assert.deepEqual(state(), [
        [x, false, 0],
        [y, true, 0],
        [z, false, 99],
      ]);
      assert.equal(a.requeue({ remote: 'origin', snapshots: [z] }), 1);
      assert.equal(a.requeue({ remote: 'backup' }), 0);
      assert.equal(a.requeue({ remote: 'origin' }), 3);
      assert.deepEqual(
        state(),
        [x, y, z].map((id) => [id, false, 0]),
      );
      assert.ok(all().every((item) => item.error === undefined && item.attempts === 0));
    });
    it('gives up items by a word', () => {
      const [x, y, z] = line(3);
      put([x, y, z]);
      put([y], 1, 'backup');
      a.settle(V, 'origin', [{ snapshot: x, outcome: 'missing', error: ERROR }]);
      assert.equal(a.unqueue({ remote: 'origin', snapshots: [z, UNKNOWN] }), 1);
      assert.equal(a.unqueue({ dead: true }), 1);
      assert.deepEqual(ids(a.queue({}, { limit: 9 })), [y, y]);
      assert.equal(a.unqueue({}), 2);
      assert.deepEqual(a.queueCounts(), []);
    });
    it('never gives a place twice', () => {
      const [x, y] = line(2);
      put([x]);
      const [{ n }] = all();
      a.unqueue({});
      put([y]);
      assert.ok(all()[0].n > n);
    });
    it('refuses an unknown volset and keeps none of a call that fails', () => {
      assert.throws(() => put([UNKNOWN]), { code: 'not-found' });
      assert.deepEqual(a.queueCounts(), []);
    });
    it('goes with its remote, and along with its name', () => {
      const [x, y] = line(2);
      const remote = { name: 'origin', url: 'http://h', enabled: true };
      a.putRemote(remote);
      a.putRemote({ ...remote, name: 'other' });
      put([x, y], 2);
      put([x], 1, 'other');
      put([x], 1, 'new');
      const before = all();
      assert.throws(() => a.renameRemote('origin', 'other'), { code: 'exists' });
      assert.throws(() => a.renameRemote('nobody', 'new'), { code: 'not-found' });
      a.renameRemote('origin', 'new');
      assert.deepEqual(
        a.listRemotes().map(({ name }) => name),
        ['new', 'other'],
      );
      assert.deepEqual(
        all('new'),
        before.map((item) => ({ ...item, remote: 'new' })),
      );
      assert.deepEqual(all(), []);
      a.removeRemote('new');
      assert.deepEqual(ids(a.queue({}, { limit: 9 })), [x]);
      assert.deepEqual(all('other').length, 1);
    });
    it('of one store is not that of another', () => {
      const [x] = line(1);
      put([x]);
      assert.deepEqual(b.queue({}, { limit: 9 }), []);
    });
  });
}
