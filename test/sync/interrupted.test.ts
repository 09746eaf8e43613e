import assert from 'node:assert/strict';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import type { MetaStore } from '../../src/meta/contract.ts';
import { type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;

/** before: the call never happened. after: it did its work, and nobody heard of it. */
type When = 'before' | 'after';

/** Ends the program, as far as this store is concerned, at the n-th call to the peer or change of metadata. */
class Killer {
  calls = 0;
  readonly #at: number;
  readonly #when: When;

  constructor(at: number, when: When) {
    this.#at = at;
    this.#when = when;
  }

  get struck(): boolean {
    return this.calls >= this.#at;
  }

  wrap<T extends object>(target: T, isCounted: (name: string) => boolean): T {
    return new Proxy(target, {
      get: (_, key) => {
        const value = Reflect.get(target, key, target);
        if (typeof value !== 'function' || typeof key === 'symbol' || !isCounted(key)) {
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return (...args: unknown[]) => this.#call(() => value.apply(target, args));
      },
    });
  }

  #call(work: () => unknown): unknown {
    const isMine = ++this.calls === this.#at;
    if (this.calls > this.#at || (isMine && this.#when === 'before')) throw new Error('killed');
    const result = work();
    if (!isMine) return result;
    if (!(result instanceof Promise)) throw new Error('killed');
    return result.then(() => {
      throw new Error('killed');
    });
  }
}

const CHANGES = new Set<keyof MetaStore>([
  ...(['apply', 'commit', 'cut', 'setBlobs', 'updatePeer', 'putRemote', 'markPacked', 'putSetting'] as const),
]);

describe('sync: killed between any two calls', function () {
  this.timeout(300_000);
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    const first = await a.save({ f: 'first' });
    a.branch(SIDE, 'side', first);
    a.set('volset:description', 'start');
    await a.run('sync');
    await b.run('sync');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  async function killedAt(n: number, when: When): Promise<Killer> {
    const killer = new Killer(n, when);
    const { engine, meddle } = a;
    a.engine = { ...engine, meta: killer.wrap(engine.meta, (name) => CHANGES.has(name as keyof MetaStore)) };
    const wrap = (peer: Peer): Peer => killer.wrap(peer, () => true);
    a.engine.openPeer = async (remote) => wrap(await engine.openPeer(remote));
    try {
      await a.run('sync').then(
        () => assert.equal(killer.struck, false),
        (error: unknown) => assert.match(String(error), /killed/),
      );
    } finally {
      a.engine = engine;
      a.meddle = meddle;
    }
    return killer;
  }

  for (const when of ['before', 'after'] as const) {
    it(`${when} the call: the next run simply works, and nothing is lost`, async () => {
      for (let n = 1; ; n++) {
        const side = await b.save({ side: `${n}` }, SIDE);
        b.set('volset:description', `b ${n}`);
        await b.run('push');
        const doomed = n.toString(16).padStart(32, '0') as BranchId;
        a.branch(doomed, `doomed${n}`, a.tip() as SnapshotId);
        const main = await a.save({ f: `${n}` });
        a.set('volset:description', `a ${n}`);
        const killer = await killedAt(n, when);
        a.delete(doomed);
        await a.run('sync');
        const again = await a.run('sync');
        assert.deepEqual([again.exits, again.result.upToDate, again.result.requests], [[], true, 1], `call ${n}`);
        await b.run('sync');
        const there = hub.thread.meta;
        assert.deepEqual([a.tip(), b.tip(), (await there.findBranch(VOLSET, MAIN))?.tip], [main, main, main]);
        assert.deepEqual([a.tip(SIDE), b.tip(SIDE), (await there.findBranch(VOLSET, SIDE))?.tip], [side, side, side]);
        const shown = [a.description, b.description, (await there.findVolset(VOLSET))?.description];
        assert.deepEqual(shown, [`b ${n}`, `b ${n}`, `b ${n}`], `call ${n}`);
        for (const store of [a, b]) {
          const met = store.meta
            .listConflicts(VOLSET)
            .filter(({ current, target }) => [current, target].sort().join() === `a ${n},b ${n}`);
          assert.equal(met.length, 1, `call ${n}: both values are in one record`);
        }
        assert.deepEqual(
          a.meta.listBranches(VOLSET).map(({ name }) => name),
          ['main', 'side'],
        );
        if (killer.struck) continue;
        assert.ok(n > 15, `a session has ${n - 1} calls`);
        break;
      }
      assert.deepEqual([a.meta.verify(), b.meta.verify(), await hub.thread.meta.verify()], [[], [], []]);
    });
  }
});
