import assert from 'node:assert/strict';
import type { BranchId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import type { Edit } from '../../src/meta/contract.ts';
import { shape } from './outcomes.ts';
import { type Client, type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const OTHER = 'cc'.repeat(16) as BranchId;

describe('sync: tips', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
  });
  afterEach(() => rig[Symbol.asyncDispose]());
  const tipThere = async (branch: BranchId = MAIN) => (await hub.thread.meta.findBranch(VOLSET, branch))?.tip ?? null;

  /** The other client's push comes between our deltas and our refs. */
  const pushesFirst = (other: Client) => (peer: Peer) => {
    const { moveRefs } = peer;
    peer.moveRefs = async (...args) => {
      peer.moveRefs = moveRefs;
      await other.run('push');
      return peer.moveRefs(...args);
    };
    return peer;
  };

  it('a branch made at a snapshot that the remote has gets its tip there', async () => {
    const first = await a.save({ f: '1' });
    const second = await a.save({ f: '2' });
    await a.run('push');
    a.branch(SIDE, 'old', first);
    a.branch(OTHER, 'new', second);
    assert.deepEqual((await a.run('push')).exits, []);
    assert.deepEqual([await tipThere(SIDE), await tipThere(OTHER)], [first, second]);
    assert.equal((await a.run('push')).result.upToDate, true);
  });

  it('a branch that was deleted here does not stop a pull or a sync', async () => {
    const first = await a.save({ f: '1' });
    a.branch(SIDE, 'side', first);
    await a.run('push');
    await b.run('pull');
    b.delete(SIDE);
    const second = await a.save({ f: '2' });
    await a.run('push');
    assert.deepEqual((await b.run('pull')).exits, []);
    assert.equal(b.tip(), second);
    assert.deepEqual((await b.run('sync')).exits, []);
    assert.equal(await tipThere(SIDE), null);
    assert.equal((await b.run('sync')).result.upToDate, true);
  });

  it('a branch that was deleted there does not stop the push of another', async () => {
    const first = await a.save({ f: '1' });
    a.branch(SIDE, 'side', first);
    await a.run('push');
    await b.run('pull');
    b.delete(SIDE);
    await b.run('push');
    const second = await a.save({ f: '2' });
    const pushed = await a.run('push');
    assert.deepEqual([pushed.exits, shape(pushed)], [[], ['main remote fast-forward', 'side here deleted']]);
    assert.equal(await tipThere(), second);
    assert.equal(a.meta.findBranch(VOLSET, SIDE), undefined);
  });

  it('a move that another client made between our deltas and our refs is told next time', async () => {
    const first = await a.save({ f: '1' });
    a.branch(SIDE, 'side', first);
    await a.run('push');
    await b.run('pull');
    const side = await b.save({ f: 'side' }, SIDE);
    // b moves `side` while a, which has asked already, is about to move `main`.
    a.meddle = pushesFirst(b);
    await a.save({ f: '2' });
    await a.run('push');
    a.meddle = (peer) => peer;
    await a.run('pull');
    assert.equal(a.tip(SIDE), side);
  });

  it('after a push we know how far the peer is, unless others wrote to it meanwhile', async () => {
    const revisions = async () => [
      a.meta.peer(hub.thread.meta.self.install, VOLSET)?.revision,
      await hub.thread.meta.revision(VOLSET),
    ];
    const first = await a.save({ f: '1' });
    a.branch(SIDE, 'side', first);
    await a.run('push');
    await b.run('pull');
    for (const text of ['2', '3']) {
      await a.save({ f: text });
      a.meta.cut(VOLSET);
    }
    await a.run('push');
    const [known, reached] = await revisions();
    assert.equal(known, reached);
    await b.save({ f: 'side' }, SIDE);
    a.meddle = pushesFirst(b);
    await a.save({ f: '4' });
    await a.run('push');
    // Our generation came right behind what we knew; what the other one did came between it and our tip.
    assert.equal((await revisions())[0], (reached as number) + 1);
  });

  it('a lost race for one branch does not take the others along', async () => {
    const first = await a.save({ f: '1' });
    a.branch(SIDE, 'side', first);
    await a.run('push');
    await b.run('pull');
    await b.save({ f: 'theirs' });
    a.meddle = pushesFirst(b);
    await a.save({ f: 'ours' });
    const side = await a.save({ f: 'side' }, SIDE);
    a.branch(OTHER, 'other', side);
    const pushed = await a.run('push');
    assert.deepEqual(pushed.exits, [6]);
    assert.deepEqual(shape(pushed), ['main remote rejected', 'other remote new', 'side remote fast-forward']);
    assert.equal(await tipThere(), b.tip());
    assert.deepEqual([await tipThere(SIDE), await tipThere(OTHER)], [side, side]);
  });

  it('more branches than one request may name', async () => {
    const first = await a.save({ f: '1' });
    const edits = Array.from({ length: 1050 }, (_, n): Edit[] => {
      const branch = n.toString(16).padStart(32, '0') as BranchId;
      return [
        { edit: 'create-branch', branch, name: `b${n}`, creator: 'test' },
        { edit: 'move-ref', branch, from: null, to: first },
      ];
    });
    a.meta.commit(VOLSET, edits.flat());
    const pushed = await a.run('push');
    assert.deepEqual(pushed.exits, []);
    assert.equal((await hub.thread.meta.refs(VOLSET, 'self')).length, 1051);
    assert.equal((await a.run('push')).result.upToDate, true);
  });
});
