/** Q1 to Q14 of a world, asked from outside: of the stores, the hubs and the ledger. */
import assert from 'node:assert/strict';
import { installOf, type SnapshotId } from '../../../src/core/ids.ts';
import { covers, gaps, intervalsOf, isIntervals } from '../../../src/core/intervals.ts';
import type { QueueItem } from '../../../src/meta/contract.ts';
import { V } from '../../meta/helpers.ts';
import { WINDOW } from './model-drain.ts';
import { REMOTES, type Remote, type World } from './world.ts';

/** Parts of others that low, medium and high may wait behind. */
const MOST_WAITED = [24, 19, 4];

export class Watcher {
  readonly #world: World;
  /** By store id: whose number is whose. */
  readonly #numbers = new Map<string, Map<number, SnapshotId>>();
  readonly #mayGo: Record<Remote, Set<SnapshotId>> = { x: new Set(), y: new Set() };

  constructor(world: World) {
    this.#world = world;
  }

  accepted(remote: Remote, id: SnapshotId): void {
    this.#mayGo[remote].add(id);
  }

  check(): void {
    this.#numbersAreGivenOnce();
    this.checkSeals();
    for (const remote of REMOTES) {
      this.#nothingIsLost(remote);
      this.#onlyItsOwn(remote);
      this.#onlyGoodBytes(remote);
    }
  }

  /** Q10 */
  #numbersAreGivenOnce(): void {
    const { meta } = this.#world.sender;
    const known = this.#numbers.get(meta.self.store) ?? new Map<number, SnapshotId>();
    this.#numbers.set(meta.self.store, known);
    for (const { snapshot } of meta.numberedBlobs(V, 1, meta.blobHead(V), 1e6)) {
      const number = this.#world.numberOf(snapshot);
      assert.ok((known.get(number) ?? snapshot) === snapshot, `Q10: ${number} was given twice`);
      known.set(number, snapshot);
    }
  }

  /** Q2, Q14: what is sealed is on the hub's disk, and stays there; what came from it is known by it. */
  checkSeals(): void {
    const { hubs, disk } = this.#world;
    for (const remote of REMOTES) {
      const hub = hubs[remote];
      const install = installOf(hub.store.meta.self.store);
      for (const [store, numbers] of this.#numbers) {
        const sealed = hub.sealed(store);
        assert.ok(isIntervals(sealed), `Q15: ${JSON.stringify(sealed)}`);
        for (const [first, last] of sealed) {
          for (let number = first; number <= last; number++) {
            const id = numbers.get(number);
            const chunks = id === undefined ? undefined : disk.chunks.get(id);
            // Made and lost with a disk since.
            if (id === undefined || chunks === undefined) continue;
            const durable = hub.isComplete(id) && chunks.every((chunk) => hub.durable.has(chunk));
            assert.ok(durable, `Q2: ${install} sealed ${number} of ${store} and does not hold it`);
          }
        }
      }
    }
  }

  /** Q1, Q3, Q12: what was accepted is in the queue, or complete at its own hub. */
  #nothingIsLost(remote: Remote): void {
    const { disk, hubs } = this.#world;
    const queued = new Set(this.#world.queueOf(remote).map(({ snapshot }) => snapshot));
    for (const { id } of disk.ledger.filter((item) => item.remote === remote)) {
      if (queued.has(id)) continue;
      const whole = (disk.chunks.get(id) ?? []).every((chunk) => hubs[remote].durable.has(chunk));
      assert.ok(hubs[remote].isComplete(id) && whole, `Q3: ${id} left the queue of ${remote} and is not there`);
    }
  }

  /** Q8 */
  #onlyItsOwn(remote: Remote): void {
    for (const id of this.#world.hubs[remote].offered)
      assert.ok(this.#mayGo[remote].has(id), `Q8: ${id} went to ${remote}, for which it was not meant`);
    this.#world.hubs[remote].offered = [];
  }

  /** Q13 */
  #onlyGoodBytes(remote: Remote): void {
    for (const [chunk, bytes] of this.#world.hubs[remote].durable)
      assert.ok(bytes === chunk, `Q13: ${remote} keeps other bytes as chunk ${chunk}`);
  }

  /** Q4, Q6, Q7, for one session. */
  session(remote: Remote, message: () => void) {
    const waited = [0, 0, 0];
    return {
      message,
      chosen(priority: number, ready: boolean[]): void {
        for (const [i, is] of ready.entries()) {
          waited[i] = i === priority || !is ? 0 : waited[i] + 1;
          assert.ok(waited[i] <= MOST_WAITED[i], `Q7: priority ${i} waited behind ${waited[i]} parts`);
        }
      },
      first: (item: QueueItem, hand: ReadonlySet<SnapshotId>): void => {
        assert.ok(hand.size < 3 * WINDOW, 'Q6: more is under way than may be');
        assert.equal(item.remote, remote, 'Q8: an item for another remote is taken');
        const before = this.#world
          .queueOf(remote)
          .find(
            (other) =>
              !other.dead &&
              other.n < item.n &&
              other.priority === item.priority &&
              other.notBefore <= this.#world.now &&
              !hand.has(other.snapshot),
          );
        assert.ok(before === undefined, `Q4: ${item.n} went before ${before?.n}`);
      },
    };
  }

  /** After everything has healed and every push went through. */
  atEnd(): void {
    for (const remote of REMOTES) {
      this.#allArrived(remote);
      this.#noGaps(remote);
      this.#idle(remote);
    }
  }

  /** Q1, Q9: what waits still would be tried for ever, or was forgotten. */
  #allArrived(remote: Remote): void {
    const waiting = this.#world.queueOf(remote).filter(({ dead }) => !dead);
    assert.equal(waiting.length, 0, `Q1, Q9: ${waiting.length} items still wait for ${remote}`);
    for (const { snapshot, error } of this.#world.queueOf(remote)) {
      const { disk, hubs } = this.#world;
      const gone = disk.chunks.get(snapshot)?.some((chunk) => disk.gone.has(chunk));
      const refused = hubs[remote].refused.has(snapshot);
      assert.ok(
        error !== undefined && (gone || refused || hubs[remote].isComplete(snapshot)),
        `Q1: ${snapshot} is dead`,
      );
    }
  }

  /** Q5, Q14: all numbers up to the last but those of dead items. */
  #noGaps(remote: Remote): void {
    const { sender, hubs } = this.#world;
    const { meta } = sender;
    const open = gaps(hubs[remote].sealed(meta.self.store), meta.blobHead(V));
    const dead = this.#world.queueOf(remote).map(({ snapshot }) => snapshot);
    const allowed = Object.values(meta.blobNumbers(V, dead));
    const theirs = meta
      .numberedBlobs(V, 1, meta.blobHead(V), 1e6)
      .filter(({ from }) => from === installOf(hubs[remote].store.meta.self.store));
    const excused = intervalsOf([...allowed, ...theirs.map(({ number }) => number)]);
    assert.ok(
      covers(excused, open),
      `Q5: ${remote} still lacks ${JSON.stringify(open)}, dead: ${JSON.stringify(excused)}`,
    );
  }

  /** Q11: a push with nothing to do sends nothing, and nothing was ever sent that was there. */
  #idle(remote: Remote): void {
    const hub = this.#world.hubs[remote];
    assert.ok(hub.again === 0, `Q11: ${hub.again} chunks were sent again to ${remote}`);
    const { received } = hub;
    hub.offered = [];
    this.#world.session(remote);
    assert.deepEqual([hub.received - received, hub.offered], [0, []], `Q11: an idle push to ${remote} sends`);
  }
}
