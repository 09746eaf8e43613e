import assert from 'node:assert/strict';
import { openMetaThread } from '../../src/hub/index.ts';
import { rejectsWith, SELF, sampleHistory, VOLSET } from './support.ts';

const MODULE = new URL('memory-meta.ts', import.meta.url).href;
const open = () => openMetaThread({ module: MODULE, open: 'openMemoryMeta', options: { install: 'ab'.repeat(16) } });

describe('hub: metadata on its own thread', () => {
  it('answers calls in order, with plain data, and knows who it is', async () => {
    await using thread = await open();
    const { meta } = thread;
    assert.equal(meta.self.store, `${'ab'.repeat(16)}.1`);
    const { generations } = sampleHistory();
    const [, applied, , views] = await Promise.all([
      meta.listVolsets(),
      meta.apply(VOLSET, { peer: SELF, generations: [generations[0]] }),
      meta.apply(VOLSET, { peer: SELF, generations: [generations[1]] }),
      meta.listVolsets(),
    ]);
    assert.equal(applied.generations, 1);
    assert.deepEqual(
      views.map((v) => [v.id, v.name, v.snapshots]),
      [[VOLSET, 'data', 2]],
    );
    assert.equal(await meta.findVolset('0'.repeat(32) as never), undefined);
  });

  it('hands errors over with code and hint, and goes on', async () => {
    await using thread = await open();
    await assert.rejects(thread.meta.vector(VOLSET), rejectsWith('not-found'));
    await assert.rejects(thread.meta.verify(), rejectsWith('unexpected', /no method verify/));
    assert.deepEqual(await thread.meta.listVolsets(), []);
  });

  it('fails at the opening when the store does, and after its end', async () => {
    await assert.rejects(openMetaThread({ module: MODULE, open: 'nothing', options: {} }), rejectsWith('unexpected'));
    const thread = await open();
    await thread[Symbol.asyncDispose]();
    await thread[Symbol.asyncDispose]();
    await assert.rejects(thread.meta.listVolsets(), rejectsWith('unexpected', /has ended/));
  });
});
