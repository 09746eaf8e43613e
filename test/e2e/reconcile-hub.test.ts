import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type Document, type Hub, Lab, parse } from './helpers/lab.ts';
import { plait } from './helpers/plait.ts';
import { assertEqualStores } from './helpers/stores.ts';

const ROUNDS = 10;

describe('e2e: many clients of one hub', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const save = async (dir: string, name: string, text: string): Promise<string> => {
    writeFileSync(lab.path(dir, name), text);
    return (await lab.in(dir, ['snapshot'])).snapshot;
  };

  it('the hub gives the owner from the label of the token: one sync, no conflict, on every store', async () => {
    const names = ['x', 'y', 'z'];
    const envs = new Map<string, Record<string, string>>();
    for (const name of names) {
      const made = await lab.run([
        '--store',
        hub.store,
        'token',
        'create',
        '--can',
        'read,write',
        '--label',
        `${name}@lab`,
      ]);
      envs.set(name, { PLAIT_TOKEN: made.token });
    }
    const as = (name: string, argv: string[]) => lab.in(name, argv, 0, { env: envs.get(name) });
    const owner = async (name: string) => (await as(name, ['volset', 'list'])).volsets[0].owner;
    await lab.volume('x', hub);
    await save('x', 'file', 'one');
    assert.equal(await owner('x'), null);
    await as('x', ['sync']);
    assert.equal(await owner('x'), 'x@lab');
    for (const name of ['y', 'z']) {
      await lab.run(['clone', `${hub.url}/data`, name], 0, { env: envs.get(name) });
      await as(name, ['update', '--attr', `${name}=1`]);
      await as(name, ['sync']);
    }
    await as('x', ['sync']);
    await as('y', ['sync']);
    const { volset, conflicts } = await assertEqualStores(lab, ['hub', ...names]);
    assert.deepEqual([volset.owner, volset.attrs, conflicts], ['x@lab', { y: '1', z: '1' }, []]);
    for (const name of names) {
      const { requests, upToDate } = await as(name, ['sync']);
      assert.deepEqual([requests, upToDate], [1, true], name);
    }
  });

  it('two push one branch at the same moment: one wins, the other hears exit 6, nothing of either is damaged', async () => {
    await lab.volume('a', hub);
    await save('a', 'file', 'one');
    await lab.in('a', ['push']);
    await lab.run(['clone', `${hub.url}/data`, 'b']);
    for (let round = 0; round < ROUNDS; round++) {
      const dirs = ['a', 'b'];
      const tips = await Promise.all(dirs.map((dir) => save(dir, `of-${dir}`, `${round}`)));
      const pushes = await Promise.all(dirs.map((dir) => plait(['--json', '-C', lab.path(dir), 'push'])));
      const actions = pushes.map((end) => `${end.exit} ${parse(end).branches[0].action}`);
      assert.deepEqual(actions.toSorted(), ['0 fast-forward', '6 rejected'], `round ${round}`);
      const won = actions.indexOf('0 fast-forward');
      const [winner, loser] = won === 0 ? dirs : dirs.toReversed();
      // On from there, with both lines: the loser merges, and the winner takes that.
      const heard = await lab.in(loser, ['sync'], 6);
      assert.deepEqual(
        heard.diverged.map(({ current, target }: Document) => [current, target]),
        [[tips[1 - won], tips[won]]],
      );
      const { parents } = await lab.in(loser, ['merge', 'origin/main']);
      assert.deepEqual(parents, tips.toSorted());
      await lab.in(loser, ['push']);
      await lab.in(winner, ['pull']);
    }
    await assertEqualStores(lab, ['hub', 'a', 'b']);
    assert.equal((await lab.in('a', ['log'])).snapshots.length, 1 + 3 * ROUNDS);
    await Promise.all(['hub', 'a/.plait', 'b/.plait'].map((store) => lab.verify(lab.path(store))));
  });
});
