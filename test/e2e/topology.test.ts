/** Stores that pass on what others made: chains, mirrors and rings, over paths and over HTTP, with the real program. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { assertSame, type Document, Lab } from './helpers/lab.ts';
import { assertEqualStores, assertQuiet, syncUntilQuiet } from './helpers/stores.ts';

describe('e2e: topologies', function () {
  this.timeout(120_000);
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const save = async (dir: string, name: string): Promise<string> => {
    writeFileSync(lab.path(dir, name), `${name} of ${dir}`);
    return (await lab.in(dir, ['snapshot', '-m', name])).snapshot;
  };

  it('a chain: laptop, disk, a store at work, its hub, a desk', async () => {
    await lab.run(['init', '--bare', lab.path('disk')]);
    await lab.volume('laptop');
    await save('laptop', 'a');
    await lab.in('laptop', ['remote', 'add', 'disk', lab.path('disk')]);
    await lab.in('laptop', ['push']);
    await lab.run(['clone', lab.path('disk/data'), 'work']);
    const hub = await lab.hub();
    await lab.in('work', ['remote', 'add', 'hub', hub.url]);
    await lab.in('work', ['push', 'hub']);
    await lab.run(['clone', `${hub.url}/data`, 'desk']);
    assertSame(lab.path('laptop'), lab.path('desk'));
    const reply = await save('desk', 'b');
    await lab.in('desk', ['push']);
    await lab.in('work', ['sync', 'hub']);
    await lab.in('work', ['sync', 'origin']);
    await lab.in('laptop', ['pull']);
    assertSame(lab.path('laptop'), lab.path('desk'));
    assert.equal((await lab.in('laptop', ['log'])).snapshots[0].snapshot, reply);
    await assertEqualStores(lab, ['laptop', 'disk', 'work', 'hub', 'desk']);
    await assertQuiet(lab, ['work'], ['hub', 'origin']);
  });

  it('a mirror: what hub A holds, served as hub B with tokens of its own, while pushes go to A', async () => {
    const a = await lab.hub('a');
    await lab.volume('laptop', a);
    await save('laptop', 'one');
    await lab.in('laptop', ['push']);
    const mirror = (argv: string[]): Promise<Document> => lab.run(['--store', lab.path('b'), ...argv]);
    await lab.run(['init', '--bare', lab.path('b')]);
    await mirror(['remote', 'add', 'a', a.url]);
    const mirrored = ['sync', 'a', '--pull-only', '--all-volsets'];
    await mirror(mirrored);
    const { token } = await mirror(['token', 'create', '--can', 'read']);
    const b = await lab.hub('b');
    assert.equal((await lab.run(['clone', `${b.url}/data`, 'stranger'], 12)).error.code, 'unauthorized');
    const env = { PLAIT_TOKEN: token };
    await lab.run(['clone', `${b.url}/data`, 'client'], 0, { env });
    assertSame(lab.path('laptop'), lab.path('client'));
    const made = await save('client', 'two');
    assert.equal((await lab.in('client', ['push'], 12, { env })).error.code, 'forbidden');
    await lab.in('client', ['remote', 'add', 'a', a.url]);
    await lab.in('client', ['push', 'a']);
    // Another process fills the store that is served.
    await mirror(mirrored);
    await lab.run(['clone', `${b.url}/data`, 'late'], 0, { env });
    assertSame(lab.path('client'), lab.path('late'));
    assert.equal((await lab.in('late', ['log'])).snapshots[0].snapshot, made);
    assert.equal((await lab.in('client', ['sync', 'origin', '--pull-only'], 0, { env })).upToDate, true);
    await lab.in('laptop', ['pull']);
    assertSame(lab.path('laptop'), lab.path('late'));
    // A second volset arrives without a word to the mirror.
    await lab.run(['init', lab.path('more'), '--volset', 'more']);
    await save('more', 'x');
    await lab.in('more', ['remote', 'add', 'origin', a.url]);
    await lab.in('more', ['push']);
    await mirror(mirrored);
    const { volsets } = await lab.run(['remote', 'show', b.url], 0, { env });
    assert.deepEqual(volsets.map(({ name }: Document) => name).sort(), ['data', 'more']);
    await lab.verify(lab.path('b'));
  });

  it('a ring of three stores, each with the next one as its remote, and no hub anywhere', async () => {
    await lab.volume('x');
    await save('x', 'base');
    await lab.run(['clone', lab.path('x'), 'y']);
    await lab.run(['clone', lab.path('y'), 'z']);
    for (const [dir, next] of [
      ['x', 'y'],
      ['y', 'z'],
      ['z', 'x'],
    ]) {
      await lab.in(dir, ['remote', 'add', 'next', lab.path(next)]);
      await lab.in(dir, ['branch', 'create', `own-${dir}`]);
      await lab.in(dir, ['checkout', `own-${dir}`]);
      await save(dir, dir);
      await lab.in(dir, ['update', '--attr', `${dir}=made`]);
    }
    await syncUntilQuiet(lab, ['x', 'y', 'z'], ['next']);
    const { volset, branches } = await assertEqualStores(lab, ['x', 'y', 'z']);
    assert.deepEqual(volset.attrs, { x: 'made', y: 'made', z: 'made' });
    assert.deepEqual(branches.map(({ name }: Document) => name).sort(), ['main', 'own-x', 'own-y', 'own-z']);
    await assertQuiet(lab, ['x', 'y', 'z'], ['next']);
  });
});
