/**
 * What broke the originals, or an earlier draft: each ends with equal stores and a sync that has nothing to do.
 * More of them: merge.test.ts (both merge the same tips), replicate.test.ts (a pull into a dirty directory),
 * conflicts.test.ts (deleted here, edited there).
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { assertSame, type Document, type Hub, Lab } from './helpers/lab.ts';
import { assertEqualStores, assertQuiet, syncUntilQuiet } from './helpers/stores.ts';

describe('e2e: scenarios of reconciliation', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    await lab.volume('a', hub);
    put('a', 'file', 'one');
    await lab.in('a', ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, 'b']);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const put = (dir: string, name: string, text: string) => writeFileSync(lab.path(dir, name), text);
  const save = async (dir: string, name: string, text: string): Promise<string> => {
    put(dir, name, text);
    return (await lab.in(dir, ['snapshot'])).snapshot;
  };
  const sync = (dir: string, exit: number | number[] = 0, ...argv: string[]) => lab.in(dir, ['sync', ...argv], exit);
  const describeAs = (dir: string, text: string) => lab.in(dir, ['update', '--description', text]);
  const kinds = ({ conflicts }: Document) => conflicts.map((c: Document) => c.kind);
  const branches = ({ branches }: Document) =>
    Object.fromEntries(branches.map(({ name, tip }: Document) => [name, tip]));
  const settled = async (...dirs: string[]): Promise<Document> => {
    await syncUntilQuiet(lab, dirs);
    return assertEqualStores(lab, ['hub', ...dirs]);
  };
  /** Every one of the values is shown as description, or stands in a record. */
  const assertKept = ({ volset, conflicts }: Document, values: string[]) => {
    const kept = new Set([volset.description, ...conflicts.flatMap((c: Document) => c.sides)]);
    assert.deepEqual(
      values.filter((value) => !kept.has(value)),
      [],
    );
  };

  it('three unjoined edits, pulled in a chain', async () => {
    // a reads from hub, b from a, c from b.
    const serveA = await lab.hub('a/.plait');
    const serveB = await lab.hub('b/.plait');
    await lab.run(['clone', `${serveB.url}/data`, 'c']);
    await lab.in('b', ['remote', 'add', 'next', `${serveA.url}/data`]);
    for (const dir of ['a', 'b', 'c']) await describeAs(dir, `of ${dir}`);
    await lab.in('b', ['pull', 'next'], 5);
    await lab.in('c', ['pull'], 5);
    await lab.in('b', ['sync', 'next'], [0, 5]);
    await lab.in('c', ['sync'], [0, 5]);
    await lab.in('b', ['sync', 'next'], [0, 5]);
    assertKept(await assertEqualStores(lab, ['a', 'b', 'c']), ['of a', 'of b', 'of c']);
    await assertQuiet(lab, ['b'], ['next']);
    await assertQuiet(lab, ['c']);
  });

  it('three unjoined edits, pulled in a ring', async () => {
    await lab.run(['clone', `${hub.url}/data`, 'c']);
    const dirs = ['a', 'b', 'c'];
    for (const dir of dirs) {
      const { url } = await lab.hub(`${dir}/.plait`);
      const asker = dirs[(dirs.indexOf(dir) + 1) % 3];
      await lab.in(asker, ['remote', 'add', 'next', `${url}/data`]);
      await describeAs(dir, `of ${dir}`);
    }
    let rounds = 0;
    for (let busy = true; busy; rounds++) {
      busy = false;
      for (const dir of dirs) busy = !(await lab.in(dir, ['pull', 'next'], [0, 5])).upToDate || busy;
      assert.ok(rounds < 6, 'the ring comes to rest');
    }
    assertKept(await assertEqualStores(lab, dirs), ['of a', 'of b', 'of c']);
    await settled(...dirs);
  });

  it('pull-only with a local edit, then a two-way sync: the edit arrives', async () => {
    await describeAs('a', 'edited here');
    await lab.in('b', ['update', '--attr', 'theirs=1']);
    await sync('b');
    for (const argv of [['sync', '--pull-only'], ['pull'], ['fetch']]) await lab.in('a', argv);
    assert.equal((await lab.run(['--store', hub.store, 'volset', 'list'])).volsets[0].description, null);
    await sync('a');
    const { volset } = await settled('a', 'b');
    assert.deepEqual([volset.description, volset.attrs], ['edited here', { theirs: '1' }]);
  });

  it('renamed on one side, a new tip on the other: both arrive', async () => {
    await lab.in('a', ['update', 'branch:main', '--name', 'trunk']);
    await sync('a');
    const tip = await save('b', 'file', 'two');
    await sync('b');
    const state = await settled('a', 'b');
    assert.deepEqual([branches(state), state.conflicts], [{ trunk: tip }, []]);
    assert.deepEqual(
      [(await lab.in('a', ['status'])).branch, readFileSync(lab.path('a', 'file'), 'utf8')],
      ['trunk', 'two'],
    );
  });

  it('deleted here, a new snapshot there: the branch is back with its tip', async () => {
    await lab.in('a', ['branch', 'create', 'side']);
    await sync('a');
    await sync('b');
    await lab.in('b', ['checkout', 'side']);
    const tip = await save('b', 'file', 'on the side');
    await lab.in('a', ['branch', 'delete', 'side']);
    await sync('b');
    assert.deepEqual(kinds(await sync('a', 5)), ['delete']);
    const state = await settled('a', 'b');
    assert.equal(branches(state).side, tip);
  });

  it('both rename to one name: both are shown, apart, and a rename settles it', async () => {
    for (const name of ['x', 'y']) await lab.in('a', ['branch', 'create', name]);
    await sync('a');
    await sync('b');
    await lab.in('a', ['branch', 'rename', 'x', 'same']);
    await lab.in('b', ['branch', 'rename', 'y', 'same']);
    await sync('a');
    assert.deepEqual(kinds(await sync('b', 5)), ['name']);
    const state = await settled('a', 'b');
    const names = Object.keys(branches(state)).sort();
    assert.deepEqual([names.length, names[0], names[1]], [3, 'main', 'same']);
    assert.match(names[2], /^same\.[0-9a-f]{4}$/);
    await lab.in('a', ['branch', 'rename', names[2], 'other']);
    await sync('a');
    await sync('b');
    const after = await assertEqualStores(lab, ['a', 'b']);
    assert.deepEqual([Object.keys(branches(after)).sort(), after.conflicts], [['main', 'other', 'same'], []]);
  });

  it('a newcomer gets all that the others have, settled conflicts and deletions too', async () => {
    await lab.in('a', ['branch', 'create', 'gone']);
    await describeAs('a', 'of a');
    await describeAs('b', 'of b');
    await sync('a');
    const [{ id }] = (await sync('b', 5)).conflicts;
    await lab.in('b', ['conflicts', 'resolve', id, '--value', 'agreed']);
    await lab.in('b', ['branch', 'delete', 'gone']);
    await save('b', 'file', 'two');
    await sync('b');
    await sync('a');
    const done = await lab.run(['clone', `${hub.url}/data`, 'c']);
    assert.deepEqual(done.conflicts, []);
    const state = await settled('a', 'b', 'c');
    assert.deepEqual([state.volset.description, state.conflicts.length], ['agreed', 1]);
    assert.equal(state.conflicts[0].resolved, true);
    assertSame(lab.path('a'), lab.path('c'));
    await Promise.all(['hub', 'a/.plait', 'c/.plait'].map((store) => lab.verify(lab.path(store))));
  });
});
