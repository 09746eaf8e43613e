import assert from 'node:assert/strict';
import { installOf } from '../../src/core/ids.ts';
import { type Client, Rig, type RunningHub, VOLSET } from './rig.ts';

/** Is the volset in target, current, initial; then after a two-way sync, and after a one-way one, in target, current. */
const TABLE: [before: string, twoWay: string, oneWay: string][] = [
  ['000', 'not-found', 'not-found'],
  ['001', '00', '00'],
  ['010', '11', 'not-found'],
  ['011', '00', '00'],
  ['100', '11', '11'],
  ['101', '00', '10'],
  ['110', '11', '11'],
  ['111', '11', '11'],
];

describe('sync: a volset that is present, or was deleted, in target, current and initial', () => {
  let rig: Rig;
  let hub: RunningHub;
  let a: Client;
  let b: Client;
  beforeEach(async () => {
    rig = new Rig();
    hub = await rig.hub();
    a = (await rig.client('a')).origin(hub);
    b = (await rig.client('b')).origin(hub);
  });
  afterEach(() => rig[Symbol.asyncDispose]());
  const isThere = async () => ((await hub.thread.meta.findVolset(VOLSET)) ? '1' : '0');
  const isHere = () => (a.meta.findVolset(VOLSET) ? '1' : '0');

  async function arrange([target, current, initial]: string) {
    const remove = (client: Client) => client.meta.commit(VOLSET, [{ edit: 'delete', object: 'volset' }]);
    if (initial === '1' || (target === '1' && current === '1')) {
      a.start();
      await a.save({ f: '1' });
      await a.run('push');
      if (target === '0') {
        await b.run('pull');
        remove(b);
        await b.run('push');
      }
      if (current === '0') remove(a);
      if (initial === '0') a.meta.forgetPeer(installOf(hub.thread.meta.self.store), VOLSET);
    } else if (target === '1') {
      b.start();
      await b.save({ f: '1' });
      await b.run('push');
    } else if (current === '1') {
      a.start();
      await a.save({ f: '1' });
    }
    assert.equal((await isThere()) + isHere(), `${target}${current}`);
  }

  for (const [before, twoWay, oneWay] of TABLE) {
    for (const [mode, pullOnly, after] of [
      ['two-way', false, twoWay],
      ['one-way', true, oneWay],
    ] as const) {
      it(`${before} ${mode}: ${after}`, async () => {
        await arrange(before);
        const run = () => a.run('sync', {}, { pullOnly });
        if (after === 'not-found') {
          await assert.rejects(run(), { code: 'not-found', exit: 10 });
          assert.equal((await isThere()) + isHere(), before.slice(0, 2));
          return;
        }
        assert.deepEqual((await run()).exits, []);
        assert.equal((await isThere()) + isHere(), after);
        const again = await run();
        assert.deepEqual([again.exits, again.result.upToDate, again.result.requests], [[], true, 1]);
      });
    }
  }
});
