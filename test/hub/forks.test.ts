/** Stores that were copied, at a real hub. */
import assert from 'node:assert/strict';
import type { InstallId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import type { Vector } from '../../src/core/records.ts';
import { LogClient } from './log-client.ts';
import { RealHub } from './real-hub.ts';
import { OTHER, rejectsWith, VOLSET } from './support.ts';

describe('hub: copied stores', () => {
  let real: RealHub;
  beforeEach(async () => {
    real = await RealHub.start();
  });
  afterEach(() => real[Symbol.asyncDispose]());

  const client = (options = {}) => new LogClient(real.hub.url, options);

  describe('forks', () => {
    const identity = { install: '5f'.repeat(16) as InstallId, epoch: 1 };

    it('both histories of a copied store are kept, and a third party gets both', async () => {
      await using a = client({ identity });
      await using b = client({ identity });
      await a.begin().push();
      b.begin();
      b.set('description', 'of the copy');
      b.store.cut(VOLSET);
      await b.pull();
      await b.push(await real.thread.meta.vector(VOLSET));
      const chains = Object.keys(await real.thread.meta.vector(VOLSET)).filter((c) => c.startsWith(identity.install));
      assert.equal(chains.length, 2);
      assert.ok(
        chains.every((chain) => chain.startsWith(`${identity.install}.1/`)),
        chains.join(),
      );
      await using third = client();
      await third.pull();
      assert.deepEqual(third.store.vector(VOLSET), await real.thread.meta.vector(VOLSET));
      assert.equal(third.store.findVolset(VOLSET)?.description, 'of the copy');
      await a.pull();
      assert.deepEqual(a.store.verify(), []);
      assert.equal(a.store.findVolset(VOLSET)?.description, 'of the copy');
    });

    it('a fork at an unknown place: refused with the stores, answered with their chains', async () => {
      const [a, b] = [client({ identity }), client({ identity })];
      await using stack = new AsyncDisposableStack();
      for (const used of [a, b]) stack.use(used);
      a.begin();
      for (let n = 0; n < 5; n++) {
        a.set('description', `a ${n}`);
        await a.push();
      }
      b.begin();
      for (let n = 0; n < 3; n++) {
        b.set('description', `b ${n}`);
        b.store.cut(VOLSET);
      }
      const ask = { self: b.store.self.store, vector: b.store.vector(VOLSET), knownRevision: 0 };
      const refused = await b.peer.deltas(VOLSET, ask).catch((error: unknown) => error as { data?: object });
      assert.deepEqual((refused as { data?: object }).data, { reason: 'fork', stores: [storeId(identity.install, 1)] });
      const { generations } = await b.pull();
      assert.ok(generations >= 5);
      await b.push(await real.thread.meta.vector(VOLSET));
      await using third = client();
      await third.pull();
      await b.pull();
      const vector: Vector = await real.thread.meta.vector(VOLSET);
      for (const { store } of [third, b]) assert.deepEqual(store.vector(VOLSET), vector);
      assert.deepEqual(await real.thread.meta.verify(), []);
    });
  });

  it('the hub itself is refused, a copy of it that goes on under another epoch is not', async () => {
    await using here = client();
    await here.begin().push();
    const self = real.thread.meta.self;
    await using echo = client({ identity: { install: self.install, epoch: self.epoch } });
    await assert.rejects(echo.pull(), rejectsWith('identity', /very store/));
    await assert.rejects(echo.begin('x', OTHER).push({}, OTHER), rejectsWith('identity'));
    await using copy = client({ identity: { install: self.install, epoch: self.epoch + 7 } });
    await copy.pull();
    copy.set('description', 'of the copy');
    await copy.push();
    assert.equal((await real.thread.meta.findVolset(VOLSET))?.description, 'of the copy');
  });
});
