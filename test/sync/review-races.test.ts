import assert from 'node:assert/strict';
import { syncLines } from '../../src/cli/render/sync.ts';
import type { Peer } from '../../src/core/peer.ts';
import { type Client, type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

/** What another command or client does in the middle of a session is told, in words and in the exit code. */
describe('sync: a branch that moves in the middle of a session', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    await a.save({ f: 'first' });
    await a.run('push');
    await b.run('pull');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  /** Once, before the request. */
  function onceBefore(client: Client, request: 'moveRefs' | 'download', happens: () => Promise<unknown>): void {
    client.meddle = (peer: Peer) => {
      client.meddle = (next) => next;
      const original = peer[request] as (...args: unknown[]) => Promise<unknown>;
      // biome-ignore lint/suspicious/noExplicitAny: one of two signatures
      (peer as any)[request] = async (...args: unknown[]) => {
        // biome-ignore lint/suspicious/noExplicitAny: as above
        (peer as any)[request] = original;
        await happens();
        return original.apply(peer, args);
      };
      return peer;
    };
  }

  it('there, by another client: exit 6, and the text says so and how to go on', async () => {
    await b.save({ f: 'b' });
    onceBefore(a, 'moveRefs', () => b.run('push'));
    await a.save({ f: 'a' });
    const { result, exits } = await a.run('push');
    assert.deepEqual([exits, result.upToDate], [[6], false]);
    const [first] = syncLines('push', result);
    assert.equal(first, '! origin/main was not moved, for somebody else moved it meanwhile: `plait sync origin`');
  });

  for (const verb of ['pull', 'sync'] as const) {
    it(`here, by a snapshot during ${verb}: exit 6 and the ways out`, async () => {
      const theirs = await b.save({ f: 'b' });
      await b.run('push');
      let ours: string | undefined;
      onceBefore(a, 'download', async () => {
        ours = await a.save({ f: 'a' });
      });
      const { result, exits } = await a.run(verb);
      assert.deepEqual(
        [exits, result.diverged.map(({ current, target }) => [current, target])],
        [[6], [[ours, theirs]]],
      );
      assert.match(syncLines(verb, result)[0], /^! main has diverged from origin\/main/);
      assert.equal(a.tip(), ours);
      assert.deepEqual((await a.run(verb)).exits, [6]);
    });
  }

  it('here, to the same tip by another pull: nothing is wrong', async () => {
    const tip = await b.save({ f: 'b' });
    await b.run('push');
    onceBefore(a, 'download', () => a.run('pull'));
    const { result, exits } = await a.run('pull');
    assert.deepEqual([exits, result.diverged, a.tip()], [[], [], tip]);
    assert.ok(!result.branches.some(({ action }) => action === 'rejected'), JSON.stringify(result.branches));
  });

  it('here, beyond their tip: nothing is wrong either, and the next sync sends it', async () => {
    await b.save({ f: 'b' });
    await b.run('push');
    let ours: string | undefined;
    onceBefore(a, 'download', async () => {
      await a.run('pull');
      ours = await a.save({ f: 'a' });
    });
    const { result, exits } = await a.run('sync');
    assert.deepEqual([exits, result.diverged, a.tip()], [[], [], ours]);
    assert.ok(!result.branches.some(({ action }) => action === 'rejected'), JSON.stringify(result.branches));
    assert.deepEqual((await a.run('sync')).exits, []);
    assert.equal((await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip, ours);
  });
});
