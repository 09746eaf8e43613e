import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BranchId } from '../../src/core/ids.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { createHub, createTransferTokens, type Hub, type MetaThread, openMetaThread } from '../../src/hub/index.ts';
import type { MetaStore } from '../../src/meta/contract.ts';
import { openMetaStore } from '../../src/meta/index.ts';
import { MemoryMeta } from './memory-meta.ts';
import { BRANCH, body, MemoryTransfers, peerOf, SENDER, VOLSET } from './support.ts';

const SIDE = 'e5'.repeat(16) as BranchId;

describe('hub over a real metadata store on its own thread', () => {
  let dir: string;
  let thread: MetaThread;
  let hub: Hub;
  let here: MetaStore;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'plait-hub-'));
    const options = { path: join(dir, 'meta.db'), create: true };
    thread = await openMetaThread({ options });
    const tokens = createTransferTokens(Buffer.alloc(32, 7));
    const transfer = new MemoryTransfers(new MemoryMeta(), tokens);
    hub = await createHub({ meta: thread.meta, transfer, transferTokens: tokens, cutEveryMs: 5 });
    here = openMetaStore({ path: ':memory:', create: true });
  });
  after(async () => {
    await hub.close();
    await thread[Symbol.asyncDispose]();
    here[Symbol.dispose]();
    await rm(dir, { recursive: true });
  });

  const deltas = async (store: MetaStore) => {
    await using peer = peerOf(hub.url, { self: store.self.store });
    const answer = await peer.deltas(VOLSET, { self: store.self.store, vector: {}, knownRevision: 0 });
    const generations = await Array.fromAsync(answer.generations);
    const { vector, revision } = await answer.trailer();
    assert.ok(peer.identity);
    return { peer: peer.identity, generations, refs: answer.refs, vector, revision };
  };

  it('a store is pushed and arrives elsewhere with the same heads, refs and vector', async () => {
    const first = body([], 1);
    const second = body([idOfBody(first)], 2);
    here.commit(VOLSET, [
      { edit: 'create-volset', name: 'data', creator: 'me' },
      { edit: 'create-branch', branch: BRANCH, name: 'main', creator: 'me' },
      { edit: 'create-branch', branch: SIDE, name: 'side', creator: 'me' },
      { edit: 'snapshot', id: idOfBody(first), body: first, blob: true },
      { edit: 'snapshot', id: idOfBody(second), body: second, blob: true },
    ]);
    const vector = here.cut(VOLSET);
    const plan = here.planDeltas(VOLSET, {}, 0);
    await using peer = peerOf(hub.url, { self: here.self.store });
    await peer.createVolset({ id: VOLSET, name: 'data' });
    assert.deepEqual(await peer.sendGenerations(VOLSET, here.readDeltas(VOLSET, plan.cursor).generations, SENDER), {
      vector,
      revisions: [0, 1],
    });
    const move = { branch: BRANCH, from: null, to: idOfBody(second) };
    assert.match(String((await peer.moveRefs(VOLSET, [move])).reason), /data of snapshot/);
    await thread.meta.setBlobs(VOLSET, [idOfBody(first), idOfBody(second)]);
    assert.equal((await peer.moveRefs(VOLSET, [move])).moved, true);
    const back = await peer.moveRefs(VOLSET, [{ branch: BRANCH, from: idOfBody(second), to: idOfBody(first) }]);
    assert.deepEqual([back.moved, back.refs[0].snapshot], [false, idOfBody(second)]);

    using there = openMetaStore({ path: ':memory:', create: true });
    there.apply(VOLSET, await deltas(there));
    assert.deepEqual(there.vector(VOLSET), vector);
    assert.equal(there.findVolset(VOLSET)?.name, 'data');
    assert.deepEqual(
      there.refs(VOLSET, thread.meta.self.store).map((r) => r.snapshot),
      [idOfBody(second)],
    );
    assert.deepEqual(
      there
        .listBranches(VOLSET)
        .map((b) => b.name)
        .sort(),
      ['main', 'side'],
    );
  });

  it('an edit that another command left uncut in the served store is found without any request writing', async () => {
    await thread.meta.commit(VOLSET, [{ edit: 'set', register: 'volset:description', value: 'edited at the hub' }]);
    // The hub looks every 5 ms; each request is a turn to wait for it.
    for (;;) {
      const { generations } = await deltas(here);
      if (generations.some((g) => g.store === thread.meta.self.store)) break;
    }
  });
});
