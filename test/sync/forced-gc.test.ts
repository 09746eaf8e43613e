/** Data that was the only copy and went with --force: from then on it is absent, which is no damage to anybody. */
import assert from 'node:assert/strict';
import type { SnapshotId } from '../../src/core/ids.ts';
import { drop } from '../../src/sync/drop.ts';
import { type GcOptions, gc } from '../../src/sync/gc.ts';
import { verify } from '../../src/sync/verify.ts';
import { type Client, type HubOfTwo, hubOfTwo, VOLSET } from './rig.ts';

const FORCED: GcOptions = { dryRun: false, force: true, retireAfterMs: 1e10, rules: { last: 1 } };

describe('sync: what was forced to go', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  let dispose: () => PromiseLike<void>;
  let made: SnapshotId[];
  beforeEach(async () => {
    const two = await hubOfTwo();
    ({ rig, hub, a, b } = two);
    dispose = () => two[Symbol.asyncDispose]();
    made = [];
    for (const f of ['1', '2', '3']) made.push(await a.save({ f, [`only-${f}`]: f }));
  });
  afterEach(async () => dispose());

  async function isSound(client: Client): Promise<void> {
    const { result, exits } = await verify(client.engine, { readData: true });
    assert.deepEqual([result.damage, exits], [[], []]);
  }
  /** Every verb, twice. */
  async function goesOn(client: Client): Promise<void> {
    for (const verb of ['sync', 'pull', 'push', 'sync'] as const) {
      const { exits, result } = await client.run(verb);
      assert.deepEqual([exits, result.problems], [[], []], verb);
    }
    assert.deepEqual(client.warnings, []);
  }

  it('is named with the paths that nobody has any more, and never missed afterwards', async () => {
    const { result } = await gc(a.engine, FORCED);
    assert.deepEqual(
      result.volsets[0].dropped.map(({ snapshot, paths }) => [snapshot, paths.map(({ path }) => path)]),
      [
        [made[0], ['f', 'only-1']],
        [made[1], ['f', 'only-2']],
      ],
    );
    await isSound(a);
    // Said once: the first push takes no more along than there is.
    const first = await a.run('push');
    assert.deepEqual(
      [first.exits, first.result.problems.map(({ what }) => what)],
      [[3], ['blob-absent', 'blob-absent']],
    );
    await goesOn(a);
    await goesOn(b);
    await isSound(b);
    assert.deepEqual(b.meta.missingBlobs(VOLSET).sort(), made.slice(0, 2).sort());
    const asked = await b.run('pull', { snapshots: [made[0]] });
    assert.deepEqual([asked.exits, asked.result.problems.map(({ snapshot }) => snapshot)], [[3], [made[0]]]);
  });

  it('at the hub that had the only copy: its clients go on, and bring back what one of them has', async () => {
    await a.run('push');
    const { exits } = await drop(a.engine, { refs: made.slice(0, 2), dryRun: false, force: false });
    assert.deepEqual(exits, []);
    const { url } = hub;
    await hub.stop();
    const store = await rig.client('hub');
    assert.equal((await gc(store.engine, FORCED)).result.dropped, 2);
    await isSound(store);
    await store.close();
    const again = await rig.hub('hub', Number(new URL(url).port));
    await goesOn(a);
    await goesOn(b);
    for (const client of [a, b]) await isSound(client);
    await a.save({ f: '4' });
    await goesOn(a);
    await goesOn(b);
    assert.equal(b.tip(), a.tip());
    assert.deepEqual((await again.thread.meta.missingBlobs(VOLSET)).sort(), made.slice(0, 2).sort());
  });
});
