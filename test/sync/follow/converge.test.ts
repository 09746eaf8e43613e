import assert from 'node:assert/strict';
import { type Client, Rig, type RunningHub, VOLSET } from '../rig.ts';
import { eventually, Follower } from './follower.ts';

describe('follow: two stores and a hub', () => {
  let rig: Rig;
  let hub: RunningHub;
  let a: Client;
  let b: Client;
  beforeEach(async () => {
    rig = new Rig();
    hub = await rig.hub();
    a = (await rig.client('a')).start().origin(hub);
    b = (await rig.client('b')).origin(hub);
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
});
