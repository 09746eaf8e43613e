import assert from 'node:assert/strict';
import { type HubOfTwo, hubOfTwo, VOLSET } from '../rig.ts';
import { eventually, Follower } from './follower.ts';

describe('follow: two stores and a hub', () => {
  let { rig, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, a, b } = await hubOfTwo());
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('edits on both sides meet', async () => {
    const first = await a.save({ f: '1' });
    await using fa = new Follower(a);
    await fa.inSync();
    await using fb = new Follower(b);
    await fb.inSync();
    assert.equal(b.tip(), first);
    const second = await a.save({ f: '2' });
    await eventually(() => b.tip() === second, 'the second snapshot at b');
    const third = await b.save({ f: '3' });
    await eventually(() => a.tip() === third, 'the third snapshot at a');
    b.set('volset:description', 'of b');
    await eventually(() => a.description === 'of b', 'the description at a');
    assert.deepEqual(a.meta.vector(VOLSET), b.meta.vector(VOLSET));
    assert.deepEqual((await fa.stop()).exits, []);
  });

  it('what a fetch or a run that was killed left undone is done, though the marker stands behind it', async () => {
    await a.save({ f: '1' });
    await a.run('sync');
    await b.run('sync');
    const tip = await a.save({ f: '2' });
    await a.run('sync');
    await b.run('fetch');
    assert.notEqual(b.tip(), tip);
    await using follower = new Follower(b, { once: true, pullOnly: true });
    await follower.done;
    assert.equal(b.tip(), tip);
  });

  it('more than is read at once comes in several rounds, and never a tip before its data', async () => {
    await a.save({ f: '1' });
    await a.run('sync');
    await b.run('sync');
    const { meta } = b;
    const { apply } = meta;
    const rounds: number[] = [];
    const value = (...args: Parameters<typeof apply>) => {
      rounds.push(args[1].generations.length);
      return apply(...args);
    };
    Object.defineProperty(meta, 'apply', { value, configurable: true });
    for (let n = 0; n < 4; n++) {
      for (let i = 0; i < 600; i++) a.set(`volset:attr:k${n}.${i}`, `${i}`);
      await a.run('sync');
    }
    const tip = await a.save({ f: '2' });
    await a.run('sync');
    await using follower = new Follower(b, { once: true });
    await follower.done;
    assert.equal(b.tip(), tip);
    assert.equal(Object.keys(meta.findVolset(VOLSET)?.attrs ?? {}).length, 2400);
    assert.ok(rounds.length >= 2, `${rounds}`);
    assert.ok(Math.max(...rounds) <= 3, `${rounds}`);
    assert.deepEqual(a.meta.vector(VOLSET), meta.vector(VOLSET));
  });

  it('histories that part are joined by an ordinary session', async () => {
    await a.save({ f: '1' });
    await a.run('sync');
    await b.run('sync');
    await a.close();
    rig.twin('a', 'twin');
    a = await rig.client('a');
    const twin = await rig.client('twin');
    await using follower = new Follower(b);
    await follower.inSync();
    a.set('volset:attr:one', '1');
    await a.run('sync');
    await eventually(() => b.meta.findVolset(VOLSET)?.attrs.one === '1', 'the first line');
    twin.set('volset:attr:two', '2');
    await twin.run('sync');
    await eventually(() => b.meta.findVolset(VOLSET)?.attrs.two === '2', 'the second line');
    assert.deepEqual((await follower.stop()).result.remotes[0].error, undefined);
    assert.deepEqual(b.meta.verify(), []);
  });
});
