import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { openPeer } from '../../src/remote/index.ts';
import { Turns } from '../../src/remote/turns.ts';

/** A clock whose sleepers wake in order, when told. */
class Clock {
  #now = 0;
  #sleepers: { at: number; wake: () => void }[] = [];
  now = (): number => this.#now;
  sleep = (ms: number): Promise<void> => new Promise((wake) => void this.#sleepers.push({ at: this.#now + ms, wake }));

  async goTo(at: number): Promise<void> {
    await new Promise(setImmediate);
    this.#now = at;
    for (const { at: due, wake } of this.#sleepers) if (due <= at) wake();
    this.#sleepers = this.#sleepers.filter(({ at: due }) => due > at);
    await new Promise(setImmediate);
  }
}

describe('remote: turns at a hub that does not answer', () => {
  it('are taken one after the other from the first failure to the next answer', async () => {
    const clock = new Clock();
    const turns = new Turns(500, clock);
    const went: [name: string, at: number][] = [];
    const go = (name: string): void => void turns.take().then(() => went.push([name, clock.now()]));
    go('first');
    go('second');
    await clock.goTo(100);
    turns.failed();
    turns.failed();
    for (const name of ['a', 'b', 'c']) go(name);
    for (let at = 100; at <= 2000; at += 100) await clock.goTo(at);
    turns.answered();
    go('last');
    await clock.goTo(2100);
    assert.deepEqual(went, [
      ['first', 0],
      ['second', 0],
      ['a', 600],
      ['b', 1100],
      ['c', 1600],
      ['last', 2000],
    ]);
  });

  it('hold for all requests of a peer together', async () => {
    // Takes a connection and drops it: as a hub that was killed behind a proxy does.
    const knocks: number[] = [];
    const server = createServer((socket: Socket) => {
      knocks.push(performance.now());
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const fetchOptions = { retries: 1, random: () => 0, sleep: async () => {} };
      await using peer = openPeer({ url: `http://127.0.0.1:${port}`, attemptEveryMs: 60, fetchOptions });
      await assert.rejects(peer.listVolsets(), { code: 'network' });
      const before = knocks.length;
      const all = await Promise.allSettled([1, 2, 3].map(() => peer.listVolsets()));
      assert.ok(all.every(({ status }) => status === 'rejected'));
      const gaps = knocks.slice(before).map((at, i) => at - knocks[before + i - 1]);
      assert.equal(gaps.length, 6);
      // Timers may fire late, never early: what is asserted holds on any machine.
      assert.ok(knocks[knocks.length - 1] - knocks[before - 1] >= 5 * 60, gaps.map(Math.round).join(' '));
    } finally {
      server.close();
    }
  });
});
