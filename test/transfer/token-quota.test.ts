/** What one bearer may add in all: told before data is sent where sizes tell, held to at publish, kept over restarts. */
import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { OfferAnswer } from '../../src/core/peer.ts';
import type { ServerLimits } from '../../src/transfer/server.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, someTree } from './support/history.ts';
import { objectsOf, partOf, StillHub } from './support/parts.ts';
import { copyMetadata, ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';

const short = (answers: OfferAnswer[]): string[] =>
  answers.map((answer) => (answer.answer === 'declined' ? `${answer.code}` : answer.answer));
const isQuota = (error: unknown): boolean => error instanceof PlaitError && error.code === 'quota';

describe('transfer: quota of a token', () => {
  let sender: TestStore;
  let made: MadeSnapshot[];

  beforeEach(async () => {
    sender = ownStore();
    made = [];
    for (let n = 0; n < 3; n++) made.push(await makeSnapshot(sender, someTree(20, `${n}`), [], n));
  });

  const hubWith = (limits: Partial<ServerLimits>): { hub: StillHub; store: TestStore } => {
    const store = testStore();
    copyMetadata(sender, store);
    return { hub: new StillHub(store, { limits }), store };
  };
  const wholePart = (one: MadeSnapshot): Promise<Uint8Array[]> => partOf(objectsOf(sender, one), [one]);
  const bring = async (hub: StillHub, one: MadeSnapshot, owner = 'one'): Promise<void> => {
    const claims = await hub.agree([one], { owner });
    assert.deepEqual((await hub.send(claims, await wholePart(one))).snapshots, [one.id]);
  };

  it('is counted once for what was published, in stored bytes, and survives a restart', async () => {
    const { hub, store } = hubWith({ tokenBytes: 1e9 });
    await bring(hub, made[0]);
    const first = store.meta.usage().one;
    assert.ok(first > 500 && first < 10_000, `${first}`);
    assert.deepEqual(short(await hub.offer([made[0]])), ['have']);
    await hub.restart();
    await bring(hub, made[1]);
    const second = store.meta.usage().one;
    assert.ok(second > first);
    await bring(hub, made[2], 'two');
    const used = store.meta.usage();
    assert.deepEqual([used.one, used.two > 0], [second, true]);
    await hub.server.close();
  });

  it('declines what is announced beyond it, of that token alone', async () => {
    const { hub, store } = hubWith({ tokenBytes: 1e9 });
    await bring(hub, made[0]);
    const used = store.meta.usage().one;
    await hub.server.close();
    const full = new StillHub(store, { limits: { tokenBytes: used + 1500 } });
    assert.deepEqual(short(await full.offer(made.slice(1), { bytes: 1000 })), ['want', 'quota']);
    assert.deepEqual(short(await full.offer(made.slice(1), { bytes: 1000, owner: 'two' })), ['want', 'want']);
    const single = new StillHub(store, { limits: { tokenBytesOf: { one: used } } });
    assert.deepEqual(short(await single.offer(made.slice(1), { bytes: 1 })), ['quota', 'quota']);
    assert.deepEqual(short(await single.offer(made.slice(1), { bytes: 1e12, owner: 'two' })), ['want', 'want']);
  });

  it('holds to it where more comes than was announced, and publishes nothing of that', async () => {
    const { hub, store } = hubWith({ tokenBytes: 1500 });
    const claims = await hub.agree([made[0]], { bytes: 1 });
    await assert.rejects(async () => {
      await hub.send(claims, await wholePart(made[0]));
    }, isQuota);
    assert.deepEqual(store.meta.missingBlobs(VOLSET, [made[0].id]), [made[0].id]);
    assert.equal(store.meta.usage().one, undefined);
    const enough = new StillHub(store);
    await bring(enough, made[0]);
    assertComplete(store, made[0]);
  });
});
