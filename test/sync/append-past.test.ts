/** A client that may only add has lost what it had pushed; meanwhile the hub compacted what others had written upon it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { newToken } from '../../src/hub/bearer-token.ts';
import { Rig, VOLSET } from './rig.ts';

const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };
const long = (text: string): string => text.padEnd(200, '.');

describe('sync: a client that may only add, and compaction', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('restored from a backup it goes on, though its edit was dropped for one that it may not read', async () => {
    const hub = await rig.hub('hub', 0, { auth: true });
    const admin = await hub.token('admin');
    const { text, row } = newToken(
      { volset: '*', can: ['append', 'write'], label: 'a', expires: null },
      randomBytes,
      Date.now(),
    );
    await hub.thread.meta.putToken(row);
    let a = (await rig.client('a')).start().origin(hub);
    a.token = admin;
    await a.save({ f: '1' });
    await a.run('push');
    a.token = text;
    await a.close();
    rig.copy('a', 'backup');
    a = (await rig.client('a')).origin(hub);
    a.token = text;
    a.set('volset:description', long('of a'));
    await a.run('push');
    const lost = a.meta.vector(VOLSET);
    await a.close();

    const b = (await rig.client('b')).origin(hub);
    b.token = admin;
    await b.run('pull');
    b.set('volset:description', long('of b'));
    await b.run('sync');
    const { meta } = hub.thread;
    for (const { store } of await meta.listMembers(VOLSET)) await meta.retireMember(VOLSET, store);
    assert.ok((await meta.compact(VOLSET, NEVER)).dropped > 0);

    rig.copy('backup', 'a');
    const again = (await rig.client('a')).origin(hub);
    again.token = text;
    await again.save({ f: '2' });
    const { exits } = await again.run('push');
    assert.deepEqual(exits, []);
    for (const [chain, entry] of Object.entries(lost))
      assert.deepEqual(again.meta.vector(VOLSET)[chain as never], entry);
    // Its own next edit neither hides that of b nor the other way round.
    again.set('volset:owner', 'of a');
    assert.deepEqual((await again.run('push')).exits, []);
    await b.run('sync');
    assert.deepEqual([b.description, b.meta.findVolset(VOLSET)?.owner], [long('of b'), 'of a']);
    for (const store of [again.meta, b.meta]) assert.deepEqual(store.verify(), []);
  });
});
