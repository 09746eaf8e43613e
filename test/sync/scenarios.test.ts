import assert from 'node:assert/strict';
import type { BranchId } from '../../src/core/ids.ts';
import { installOf } from '../../src/core/ids.ts';
import { assertQuiet, shape, told } from './outcomes.ts';
import { type Client, type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const OTHER = 'cc'.repeat(16) as BranchId;

describe('sync: what lost data elsewhere', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    const first = await a.save({ f: 'first' });
    a.branch(SIDE, 'side', first);
    await a.run('push');
    await b.run('pull');
  });
  afterEach(() => rig[Symbol.asyncDispose]());
  const names = (client: Client) => client.meta.listBranches(VOLSET).map(({ name }) => name);

  it('rename on one side, new tip on the other: both arrive', async () => {
    a.set(`branch:${SIDE}:name`, 'renamed');
    await a.run('push');
    const tip = await b.save({ f: '2' }, SIDE);
    const done = await b.run('sync');
    assert.deepEqual(
      [done.exits, shape(done)],
      [[], ['main remote up-to-date', 'renamed remote fast-forward', 'renamed here renamed']],
    );
    await a.run('sync');
    assert.deepEqual(
      [names(a), names(b)],
      [
        ['main', 'renamed'],
        ['main', 'renamed'],
      ],
    );
    assert.deepEqual([a.tip(SIDE), b.tip(SIDE)], [tip, tip]);
    await assertQuiet(a, b);
  });

  it('delete here, edit there: the edited one stays, and both sides hear of it', async () => {
    b.set(`branch:${SIDE}:description`, 'needed');
    await b.run('push');
    a.delete(SIDE);
    const done = await a.run('sync');
    assert.deepEqual([done.exits, told(done).map(({ kind }) => kind)], [[5], ['delete']]);
    assert.deepEqual(
      [names(a), names(b)],
      [
        ['main', 'side'],
        ['main', 'side'],
      ],
    );
    assert.deepEqual((await b.run('sync')).exits, [5]);
    await a.run('sync');
    const ids = (client: Client) => client.meta.listConflicts(VOLSET).map(({ id }) => id);
    assert.deepEqual([ids(a).length, ids(a)], [1, ids(b)]);
    await assertQuiet(a, b);
  });

  it('delete here, new snapshot there: the branch is back, with its tip', async () => {
    const tip = await b.save({ f: 'b' }, SIDE);
    await b.run('push');
    a.delete(SIDE);
    assert.deepEqual((await a.run('sync')).exits, [5]);
    await b.run('sync');
    await a.run('sync');
    assert.deepEqual([a.tip(SIDE), b.tip(SIDE), names(a)], [tip, tip, ['main', 'side']]);
    await assertQuiet(a, b);
  });

  it('a deletion that nobody objects to travels, and is told', async () => {
    a.delete(SIDE);
    const done = await a.run('sync');
    assert.deepEqual([done.exits, shape(done).at(-1)], [[], 'side remote deleted']);
    const there = await b.run('sync');
    assert.deepEqual([there.exits, shape(there).at(-1), names(b)], [[], 'side here deleted', ['main']]);
    await assertQuiet(a, b);
  });

  it('a remote that deletes all branches is stopped, by name and with the flag; nothing is changed', async () => {
    for (const branch of [SIDE, MAIN]) b.delete(branch);
    await b.run('push');
    const before = [a.meta.vector(VOLSET), names(a), a.meta.peer(installOf(hub.thread.meta.self.store), VOLSET)];
    for (const dryRun of [true, false]) {
      await assert.rejects(a.run('pull', {}, { maxDelete: 0.5, dryRun }), {
        code: 'guard',
        exit: 9,
        message: /^origin would delete 2 of 2 branches/,
        hint: /--max-delete/,
      });
    }
    assert.deepEqual(
      [a.meta.vector(VOLSET), names(a), a.meta.peer(installOf(hub.thread.meta.self.store), VOLSET)],
      before,
    );
    assert.deepEqual((await a.run('pull', {}, { maxDelete: 1 })).exits, []);
    assert.deepEqual(names(a), []);
  });

  it('both make a branch of one name: both show, under names that differ, and the sync goes on', async () => {
    const [x, y] = [await a.save({ f: 'a' }, SIDE), await b.save({ f: 'b' })];
    a.branch(OTHER, 'twin', x);
    b.branch('dd'.repeat(16) as BranchId, 'twin', y);
    await a.run('push');
    const done = await b.run('sync');
    assert.deepEqual([done.exits, told(done).map(({ kind }) => kind)], [[5], ['name']]);
    await a.run('sync');
    assert.deepEqual(names(a), names(b));
    assert.equal(names(a).filter((name) => /^twin(\.[0-9a-f]{4})?$/.test(name)).length, 2);
    await assertQuiet(a, b);
  });

  for (const policy of ['target', 'current', 'newest'] as const) {
    it(`both sides changed a field: ${policy} is chosen, the other value is kept in one record on each side`, async () => {
      a.set('volset:description', 'older, from a');
      b.set('volset:description', 'newer, from b');
      await b.run('push');
      const done = await a.run('sync', {}, { policy });
      const value = policy === 'current' ? 'older, from a' : 'newer, from b';
      assert.deepEqual(told(done), [
        { kind: 'volset', field: 'description', initial: null, current: 'older, from a', target: 'newer, from b' },
      ]);
      await b.run('sync');
      assert.deepEqual(
        [a.description, b.description, (await hub.thread.meta.findVolset(VOLSET))?.description],
        [value, value, value],
      );
      const ids = (client: Client) => client.meta.listConflicts(VOLSET).map(({ id }) => id);
      assert.deepEqual([ids(a).length, ids(b)], [1, ids(a)]);
      await assertQuiet(a, b);
    });
  }

  it('fields are apart: the name here and the description there are no conflict', async () => {
    a.set('volset:name', 'renamed');
    b.set('volset:description', 'b');
    await b.run('push');
    assert.deepEqual((await a.run('sync')).exits, []);
    await b.run('sync');
    for (const client of [a, b]) {
      const { name, description } = client.meta.findVolset(VOLSET)!;
      assert.deepEqual([name, description], ['renamed', 'b']);
    }
  });

  it('one-way: a conflict leaves our value to the record, and our other edits to the next two-way sync', async () => {
    a.set('volset:description', 'a');
    a.set('volset:attr:k', 'a');
    b.set('volset:description', 'b');
    await b.run('push');
    const before = await hub.thread.meta.vector(VOLSET);
    const taken = await a.run('sync', {}, { pullOnly: true });
    assert.deepEqual([taken.exits, a.description, a.meta.findVolset(VOLSET)?.attrs], [[5], 'b', { k: 'a' }]);
    assert.deepEqual(await hub.thread.meta.vector(VOLSET), before);
    assert.deepEqual((await a.run('sync')).exits, []);
    assert.deepEqual((await hub.thread.meta.findVolset(VOLSET))?.attrs, { k: 'a' });
    assert.deepEqual((await b.run('sync')).exits, [5]);
    assert.deepEqual([b.description, b.meta.listConflicts(VOLSET).length], ['b', 1]);
  });
});
