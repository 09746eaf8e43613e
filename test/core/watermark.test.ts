import assert from 'node:assert/strict';
import type { PlaitError } from '../../src/core/errors.ts';
import type { InstallId, StoreId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import { keysOver, PathTree, pathKeyFault } from '../../src/core/path-tree.ts';
import type { ViewChange, ViewEvent, WatermarkOptions } from '../../src/core/watermark.ts';
import { WatermarkTracker } from '../../src/core/watermark.ts';

const STORE = storeId('a1'.repeat(16) as InstallId, 1);
const OTHER: StoreId = storeId('b2'.repeat(16) as InstallId, 1);
const code = (expected: string) => (error: PlaitError) => error.code === expected;

type Item = [key: string, value: string, revision?: number];
const put = (key: string, value: string): ViewChange<string> => ({ key, value });
const del = (key: string): ViewChange<string> => ({ key, deleted: true });
const brief = (events: ViewEvent<string>[]): string[] =>
  events.map(({ type, key, revision }) => `${type} ${key}@${revision}`).sort();

/** In sync with a peer that has these keys, at that revision. */
function tracked(revision: number, items: Item[] = [], options: WatermarkOptions<string> = {}) {
  const tracker = new WatermarkTracker<string>(options);
  tracker.opened({ store: STORE, after: revision, head: revision });
  state(tracker, revision, items);
  assert.deepEqual(tracker.status, { status: 'in-sync', revision });
  return tracker;
}

function state(tracker: WatermarkTracker<string>, revision: number, items: Item[]): string[] {
  assert.equal(tracker.begin(STORE, revision), 'taken');
  const events = items.flatMap((item) => tracker.item(...item));
  return brief([...events, ...tracker.end(items.length).events]);
}

const keys = (tracker: WatermarkTracker<string>): string[] => [...tracker.view()].map(([key]) => key).sort();

describe('core: values by path', () => {
  it('what lies under a key is the key and what follows it and "/"', () => {
    const tree = new PathTree<number>();
    for (const [i, key] of ['/a', '/a/b', '/ab', '/a/b/c', '/a-'].entries()) tree.set(key, i);
    const under = (key: string): string[] => [...tree.under(key)].map(([path]) => path).sort();
    assert.deepEqual(under('/a'), ['/a', '/a/b', '/a/b/c']);
    assert.deepEqual(under('/a/b'), ['/a/b', '/a/b/c']);
    assert.deepEqual(under('/b'), []);
    assert.equal(under('').length, 5);
    assert.deepEqual([...keysOver('/a/b/c')], ['/a/b/c', '/a/b', '/a', '']);
  });

  it('forgets what was deleted, and nothing under it', () => {
    const tree = new PathTree<number | undefined>();
    tree.set('/a', 1);
    tree.set('/a/b', undefined);
    assert.equal(tree.size, 2);
    assert.equal(tree.delete('/a'), true);
    assert.equal(tree.delete('/a'), false);
    assert.deepEqual([...tree.under('')], [['/a/b', undefined]]);
    assert.equal(tree.delete('/a/b'), true);
    assert.equal(tree.size, 0);
    assert.equal(tree.delete('/x/y'), false);
  });

  it('takes keys as deep as they may be', () => {
    const tree = new PathTree<number>();
    const deep = '/a'.repeat(2048);
    assert.equal(pathKeyFault(deep), undefined);
    tree.set(deep, 1);
    assert.deepEqual([...tree.under('/a')], [[deep, 1]]);
    assert.equal(tree.delete(deep), true);
  });

  for (const key of ['', 'a', '/', '/a/', '//a', '/a//b', `/${'a'.repeat(4096)}`]) {
    it(`refuses ${JSON.stringify(key.slice(0, 10))}`, () => assert.notEqual(pathKeyFault(key), undefined));
  }
});

describe('core: the merge of a state and a feed', () => {
  it('a deletion takes what lies under its key, not what begins alike', () => {
    const tracker = tracked(1, [
      ['/a/x', '1'],
      ['/ab', '1'],
    ]);
    assert.deepEqual(brief(tracker.feed(2, [del('/a')])), ['deleted /a/x@2']);
    assert.deepEqual(keys(tracker), ['/ab']);
    assert.deepEqual(brief(tracker.feed(3, [del('')])), ['deleted /ab@3']);
  });

  it('what one transaction deletes and puts is an update, in either order', () => {
    for (const changes of [
      [del('/a'), put('/a/x', '2')],
      [put('/a/x', '2'), del('/a')],
    ]) {
      const tracker = tracked(1, [
        ['/a/x', '1'],
        ['/a/y', '1'],
      ]);
      assert.deepEqual(brief(tracker.feed(2, changes)), ['deleted /a/y@2', 'updated /a/x@2']);
    }
  });

  it('what was deleted behind a state is not brought back by it, nor what lies above hidden', () => {
    const tracker = tracked(1);
    tracker.lost();
    tracker.opened({ store: STORE, after: 5, head: 5 });
    assert.equal(tracker.begin(STORE, 6), 'taken');
    tracker.feed(7, [del('/a')]);
    tracker.feed(8, [del('/c/d')]);
    assert.deepEqual(tracker.item('/a/b/p', 'old', 3), []);
    assert.equal(tracker.item('/ab', 'kept', 3).length, 1);
    assert.equal(tracker.item('/c', 'kept', 3).length, 1);
    assert.deepEqual(tracker.end(3), { events: [], again: false });
    assert.deepEqual(tracker.status, { status: 'in-sync', revision: 8 });
  });

  it('an unchanged state emits nothing; a changed one the difference', () => {
    const items: Item[] = [
      ['/a', '1', 2],
      ['/b', '1', 3],
      ['/c', '1', 4],
    ];
    const tracker = tracked(5, items);
    assert.deepEqual(state(tracker, 6, items), []);
    assert.deepEqual(
      state(tracker, 9, [
        ['/a', '2', 8],
        ['/b', '1', 3],
        ['/d', '1', 7],
      ]),
      ['deleted /c@9', 'new /d@7', 'updated /a@8'],
    );
  });

  it('without revisions of its items, values tell what is unchanged', () => {
    const tracker = tracked(5, [['/a', 'x']], { same: (a, b) => a.toLowerCase() === b.toLowerCase() });
    assert.deepEqual(state(tracker, 6, [['/a', 'X']]), []);
    assert.deepEqual(state(tracker, 7, [['/a', 'y']]), ['updated /a@7']);
  });

  it('statuses are never ahead of the data', () => {
    const tracker = new WatermarkTracker<string>();
    assert.deepEqual(tracker.status, { status: 'waiting' });
    assert.equal(tracker.begin(STORE, 5), 'stale');
    tracker.opened({ store: STORE, after: 5, head: 5 });
    assert.deepEqual([tracker.status, tracker.needed], [{ status: 'resync' }, 5]);
    assert.equal(tracker.begin(STORE, 4), 'stale');
    assert.equal(tracker.begin(STORE, 5), 'taken');
    assert.deepEqual(tracker.status, { status: 'resync' });
    tracker.end(0);
    assert.deepEqual(tracker.status, { status: 'in-sync', revision: 5 });
    tracker.lost();
    assert.deepEqual([tracker.status, tracker.resumeAt], [{ status: 'waiting' }, 5]);
    assert.throws(() => tracker.feed(6, []), code('unexpected'));
    tracker.opened({ store: STORE, after: 5, head: 7 });
    assert.deepEqual(tracker.status, { status: 'resync' }, 'the peer was farther when the feed was opened');
    tracker.feed(7, []);
    assert.deepEqual(tracker.status, { status: 'in-sync', revision: 7 });
  });

  it('an empty peer is in sync at revision 0', () => {
    assert.deepEqual(tracked(0).checkpoint(), { store: STORE, cursor: 0, floor: 0, need: null, entries: [] });
  });

  it('a truncated state never sweeps, and another one is needed', () => {
    const tracker = tracked(5, [['/a', '1', 2]]);
    tracker.begin(STORE, 6);
    tracker.item('/b', '1', 6);
    assert.deepEqual(tracker.end(2), { events: [], again: true });
    assert.deepEqual([keys(tracker), tracker.needed], [['/a', '/b'], 6]);
    const again = new WatermarkTracker<string>({}, JSON.parse(JSON.stringify(tracker.checkpoint())));
    assert.deepEqual([again.needed, again.resumeAt], [6, 5]);
    again.opened({ store: STORE, after: 5, head: 6 });
    assert.equal(again.begin(STORE, 5), 'stale');
    assert.deepEqual(state(again, 6, [['/b', '1', 6]]), ['deleted /a@6']);
  });

  it('a gap gives a running state up: nobody knows what was deleted meanwhile', () => {
    const tracker = tracked(5, [['/a', '1', 2]]);
    tracker.begin(STORE, 6);
    tracker.lost();
    tracker.opened({ store: STORE, after: 9, head: 9 });
    assert.deepEqual(tracker.item('/b', '1', 6), []);
    assert.deepEqual(tracker.end(1), { events: [], again: true });
    assert.deepEqual([keys(tracker), tracker.needed], [['/a'], 9]);
  });

  it('another store, or one that went back, changes nothing', () => {
    const tracker = tracked(5, [['/a', '1', 2]]);
    const before = tracker.checkpoint();
    assert.throws(() => tracker.opened({ store: OTHER, after: 5, head: 9 }), code('identity'));
    assert.throws(() => tracker.begin(OTHER, 9), code('identity'));
    assert.throws(() => tracker.opened({ store: STORE, after: 4, head: 4 }), code('rollback'));
    assert.deepEqual(tracker.checkpoint(), before);
  });

  it('tombstones are bounded: with more of them another state is needed', () => {
    class Counting extends WatermarkTracker<string> {
      most = 0;
      protected override bury(tombstones: Map<string, number>, key: string, revision: number, state: number): void {
        super.bury(tombstones, key, revision, state);
        this.most = Math.max(this.most, tombstones.size);
      }
    }
    const tracker = new Counting({ maxTombstones: 3 });
    tracker.opened({ store: STORE, after: 1, head: 1 });
    tracker.begin(STORE, 1);
    for (let revision = 2; revision < 100; revision++) tracker.feed(revision, [del(`/k${revision}`)]);
    assert.equal(tracker.most, 4);
    assert.deepEqual([tracker.end(0).again, tracker.needed], [true, 5]);
  });

  it('refuses what breaks the rules before anything of it is taken', () => {
    const tracker = tracked(1, [['/a', '1']], { maxKeys: 2 });
    const before = tracker.checkpoint();
    assert.throws(() => tracker.feed(2, [put('/b', '1'), put('/a/', '1')]), code('protocol'));
    assert.throws(() => tracker.feed(2, [put('', '1')]), code('protocol'));
    assert.throws(() => tracker.feed(2, [put('/b', '1'), put('/c', '1')]), code('quota'));
    assert.deepEqual(tracker.checkpoint(), before);
    tracker.begin(STORE, 3);
    assert.throws(() => tracker.item('/b', '1', 4), code('protocol'));
  });
});
