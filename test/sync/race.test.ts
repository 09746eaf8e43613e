import assert from 'node:assert/strict';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import { type Client, hubOfTwo, MAIN, VOLSET } from './rig.ts';

const ROUNDS = 100;

describe('sync: two clients push one branch at the same moment', function () {
  this.timeout(600_000);

  it('one wins, the other hears of it (exit 6), and nothing of either is lost', async () => {
    await using pair = await hubOfTwo();
    const { hub, a, b } = pair;
    await a.save({ f: 'first' });
    await a.run('push');
    await b.run('pull');
    const made: SnapshotId[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      made.push(await a.save({ f: `a ${round}`, a: `${round}` }), await b.save({ f: `b ${round}`, b: `${round}` }));
      const [x, y] = await Promise.all([a.run('push'), b.run('push')]);
      assert.deepEqual([x.exits, y.exits].sort(), [[], [6]], `round ${round}`);
      const [winner, loser] = x.exits.length === 0 ? [a, b] : [b, a];
      assert.equal((await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip, winner.tip());
      await again(loser, winner.tip() as SnapshotId);
    }
    const reader = hub.blob.reader(VOLSET);
    for (const id of made) {
      const view = await hub.thread.meta.findSnapshot(VOLSET, id);
      assert.ok(view?.hasBlob, `snapshot ${id} is at the hub`);
      for (const object of manifest.reachable(reader, view.body.root)) reader.readObject(object.kind, object.id);
    }
    assert.deepEqual(await hub.thread.meta.verify(), []);
  });

  /** The loser hears of the rival line, and goes on from there. */
  async function again(loser: Client, tip: SnapshotId): Promise<void> {
    const { result, exits } = await loser.run('sync');
    assert.deepEqual([exits, result.diverged.map((d) => d.target)], [[6], [tip]]);
    assert.ok(loser.meta.findSnapshot(VOLSET, tip)?.hasBlob);
    loser.meta.commit(VOLSET, [{ edit: 'move-ref', branch: MAIN, from: loser.tip(), to: tip }]);
    assert.deepEqual((await loser.run('sync')).exits, []);
  }
});
