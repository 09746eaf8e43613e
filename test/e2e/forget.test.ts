/** `plait forget` through the program: gone everywhere, and only where the right was given. */
import assert from 'node:assert/strict';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, Lab } from './helpers/lab.ts';

describe('e2e: forget', function () {
  this.timeout(120_000);
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  async function save(dir: string, file: string, text: string): Promise<string> {
    writeFileSync(lab.path(dir, file), text);
    return (await lab.in(dir, ['snapshot', '-m', text])).snapshot;
  }
  const logged = async (argv: string[]): Promise<string[]> =>
    (await lab.run([...argv, 'log'])).snapshots.map(({ snapshot }: Document) => snapshot);

  it('forgotten here: gone at the hub and at others, whose directories move on; gc frees its data', async () => {
    const hub = await lab.hub();
    await lab.volume('work', hub);
    const first = await save('work', 'a', 'one');
    const secret = await save('work', 'secret', 'no one may see this');
    await lab.in('work', ['push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, lab.path('laptop')]);
    const refused = await lab.in('work', ['forget', 'main'], 9);
    assert.match(refused.error.hint, /branch delete/);
    // The hub is still at it.
    unlinkSync(lab.path('work', 'secret'));
    const third = (await lab.in('work', ['snapshot', '-m', 'three'])).snapshot;
    const early = await lab.in('work', ['forget', secret.slice(0, 12)], 9);
    assert.match(early.error.hint, /plait push origin/);
    await lab.in('work', ['push', 'origin']);

    const planned = await lab.in('work', ['forget', secret.slice(0, 12), '--dry-run']);
    assert.deepEqual(
      [planned.dryRun, planned.forgotten.map((row: Document) => [row.snapshot, row.description])],
      [true, [[secret, 'no one may see this']]],
    );
    assert.deepEqual(
      planned.forgotten[0].paths.map(({ path }: Document) => path),
      ['secret'],
    );
    assert.deepEqual(await logged(['-C', lab.path('work')]), [third, secret, first]);

    const done = await lab.in('work', ['forget', secret.slice(0, 12)]);
    assert.deepEqual(done.remotes, [{ name: 'origin', mayDelete: true }]);
    assert.deepEqual(await logged(['-C', lab.path('work')]), [third, first]);
    const named = await lab.in('work', ['ls', secret], 10);
    assert.match(named.error.message, /forgotten/);
    await lab.in('work', ['forget', secret], 10);
    await lab.in('work', ['sync', 'origin']);

    // Behind, with the forgotten one checked out.
    const fetched = await lab.in('laptop', ['fetch', 'origin']);
    assert.deepEqual(fetched.conflicts, []);
    assert.equal((await lab.in('laptop', ['status'])).volset, 'data');
    await lab.in('laptop', ['gc']);
    assert.equal((await lab.in('laptop', ['status', '--exit-code'])).volset, 'data', 'what it stands on is kept');
    const pulled = await lab.in('laptop', ['pull', 'origin']);
    assert.deepEqual([pulled.conflicts, pulled.problems], [[], []]);
    assert.deepEqual(await logged(['-C', lab.path('laptop')]), [third, first]);
    assert.equal(readFileSync(lab.path('laptop', 'a'), 'utf8'), 'one');

    await hub.stop();
    for (const store of [lab.path('work', '.plait'), lab.path('laptop', '.plait'), hub.store]) {
      const freed = await lab.run(['--store', store, 'gc']);
      assert.ok(freed.freedBytes > 0, store);
      await lab.verify(store);
    }
  });

  it('at a hub whose token may not delete: refused before it is written, and whole where it comes from elsewhere', async () => {
    const [free, kept] = [await lab.hub('free'), await lab.hub('kept')];
    await lab.volume('work', free);
    const first = await save('work', 'a', 'one');
    await save('work', 'a', 'two');
    await lab.in('work', ['push', 'origin']);
    await lab.in('work', ['remote', 'add', 'kept', `${kept.url}/data`]);
    await lab.in('work', ['push', 'kept']);
    await lab.run(['clone', `${free.url}/data`, lab.path('laptop')]);
    // From now on the hub wants a token.
    const { token } = await lab.run(['--store', kept.store, 'token', 'create', '--can', 'read,append,write']);
    const file = lab.path('token');
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    await lab.in('work', ['remote', 'remove', 'kept']);
    await lab.in('work', ['remote', 'add', 'kept', `${kept.url}/data`, '--token-file', file]);
    await lab.in('work', ['sync', 'kept']);

    const refused = await lab.in('work', ['forget', first], 12);
    assert.deepEqual([refused.error.code, refused.error.data.remotes], ['forbidden', ['kept']]);
    assert.equal((await logged(['-C', lab.path('work')])).length, 2, 'nothing was written');

    // Somebody else, who knows nothing of that hub, forgets it.
    await lab.in('laptop', ['forget', first]);
    await lab.in('laptop', ['push', 'origin']);
    await lab.in('work', ['pull', 'origin']);
    assert.equal((await logged(['-C', lab.path('work')])).length, 1);
    const push = await lab.in('work', ['push', 'kept'], 12);
    assert.deepEqual([push.error.code, push.error.data.snapshots], ['forbidden', [first]]);
    assert.match(push.error.hint, /token create/);
    const there = async (store: string): Promise<number> =>
      (await lab.run(['--store', store, 'log', 'main'])).snapshots.length;
    assert.deepEqual([await there(free.store), await there(kept.store)], [1, 2]);

    // With the right it goes there as well.
    const more = await lab.run(['--store', kept.store, 'token', 'create', '--can', 'read,append,write,delete']);
    writeFileSync(file, `${more.token}\n`, { mode: 0o600 });
    await lab.in('work', ['push', 'kept']);
    assert.equal(await there(kept.store), 1);
    for (const store of [free.store, kept.store, join(lab.path('work'), '.plait')]) await lab.verify(store);
  });
});
