/**
 * A store that pushes to two hubs, all three on real metadata files, with everything that can go wrong on the way. The
 * ledger is what the user was promised; invariants are asked after every step (invariants.ts).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlaitError } from '../../../src/core/errors.ts';
import { type InstallId, installOf, type SnapshotId } from '../../../src/core/ids.ts';
import { gaps, intervalsOf } from '../../../src/core/intervals.ts';
import type { Priority, QueueItem } from '../../../src/meta/contract.ts';
import { addSnapshot, seed, snapshotOf, V } from '../../meta/helpers.ts';
import { Random } from '../../support/seed.ts';
import { Crash, CrashingStore } from './crashing-store.ts';
import { Watcher } from './invariants.ts';
import { drain } from './model-drain.ts';
import { type Chunk, ModelHub } from './model-hub.ts';
import type { Variant } from './variants.ts';

export const REMOTES = ['x', 'y'] as const;
export type Remote = (typeof REMOTES)[number];

/** What was promised: it goes there, or `queue list` shows why not. */
export interface Accepted {
  remote: Remote;
  id: SnapshotId;
}

/** What a disk holds; a backup is one of an earlier day. */
interface Disk {
  chunks: Map<SnapshotId, Chunk[]>;
  gone: Set<Chunk>;
  ledger: Accepted[];
  inMemory: Set<SnapshotId>;
}

const copyOf = ({ chunks, gone, ledger, inMemory }: Disk): Disk => ({
  chunks: new Map(chunks),
  gone: new Set(gone),
  ledger: [...ledger],
  inMemory: new Set(inMemory),
});

class Cut extends Error {}

const STEPS = [
  ...Array<'make'>(6).fill('make'),
  ...Array<'push'>(9).fill('push'),
  ...Array<'enqueue'>(4).fill('enqueue'),
  'flood',
  'pull',
  'crash',
  'crashHub',
  'loseChunk',
  'backUp',
  'restore',
  'moveHub',
  'refuse',
  'fill',
  'wait',
  'tryAgain',
] as const;

export class World {
  /** In memory where possible: a process dies here, not the machine. */
  readonly #dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'plait-queue-'));
  readonly random: Random;
  readonly variant: Variant | undefined;
  readonly sender: CrashingStore;
  disk: Disk = { chunks: new Map(), gone: new Set(), ledger: [], inMemory: new Set() };
  hubs: Record<Remote, ModelHub>;
  now = 1_000_000;
  readonly story: string[] = [];
  readonly watcher: Watcher;
  #backup: { path: string; disk: Disk } | undefined;
  #files = 0;
  #chunk = 0;
  /** Under a variant: numbers as a process counts that writes its counter down now and then. */
  #counted = new Map<SnapshotId, number>();
  #counter = { memory: 0, disk: 0 };

  constructor(seedNumber: number, variant?: Variant) {
    this.random = new Random(seedNumber);
    this.variant = variant;
    this.sender = new CrashingStore(this.#file());
    this.hubs = { x: this.#newHub(), y: this.#newHub() };
    this.watcher = new Watcher(this);
    this.disk.chunks.set(seed(this.sender.meta), [++this.#chunk]);
  }

  #file = (): string => join(this.#dir, `${++this.#files}.db`);
  #newHub = (): ModelHub => new ModelHub(this.#file(), this.variant);

  close(): void {
    this.sender.close();
    for (const remote of REMOTES) this.hubs[remote].close();
    rmSync(this.#dir, { recursive: true });
  }

  step(): void {
    const step = this.random.pick(STEPS);
    this.story.push(step);
    this[step]();
    this.watcher.check();
  }

  make(chunks = 1 + this.random.below(5)): SnapshotId {
    const made = snapshotOf([]);
    // Some chunks are those of others.
    const old = [...this.disk.chunks.values()].flat();
    const ids = Array.from({ length: chunks }, () => (this.random.chance(0.2) ? this.random.pick(old) : ++this.#chunk));
    this.sender.meta.commit(V, [addSnapshot(made)]);
    this.disk.chunks.set(made.id, [...new Set(ids)]);
    this.#count(made.id);
    return made.id;
  }

  enqueue(remote = this.random.pick(REMOTES), id?: SnapshotId, priority = this.random.below(3) as Priority): void {
    const snapshot = id ?? this.random.pick([...this.disk.chunks.keys()]);
    this.sender.meta.enqueue(V, remote, [{ snapshot, priority }], this.now);
    this.disk.ledger.push({ remote, id: snapshot });
    this.disk.inMemory.add(snapshot);
    this.watcher.accepted(remote, snapshot);
  }

  /** Low items wait while many high ones come. */
  flood(): void {
    const remote = this.random.pick(REMOTES);
    this.enqueue(remote, this.make(), 0);
    for (let i = 0; i < 6; i++) this.enqueue(remote, this.make(9), 2);
    this.push(remote);
  }

  /** From a hub: it is complete there, and goes to the other one. */
  pull(): void {
    const from = this.hubs[this.random.pick(REMOTES)];
    const made = snapshotOf([]);
    const chunks = [++this.#chunk];
    from.make(made.id, chunks);
    this.sender.meta.commit(V, [addSnapshot(made, false)]);
    this.sender.meta.setBlobs(V, [made.id], { from: installOf(from.store.meta.self.store) });
    this.disk.chunks.set(made.id, chunks);
    this.#count(made.id);
  }

  /** A push, which may end anywhere: the line, either process, at any message or write. */
  push(remote = this.random.pick(REMOTES)): void {
    let messages = this.random.chance(0.6) ? this.random.below(30) : Number.POSITIVE_INFINITY;
    const hub = this.hubs[remote];
    if (this.random.chance(0.2)) this.sender.fuse = this.random.below(30);
    if (this.random.chance(0.2)) hub.store.fuse = this.random.below(20);
    const message = (): void => {
      if (messages-- <= 0) throw new Cut('the line was cut');
      this.watcher.checkSeals();
    };
    try {
      this.session(remote, message);
    } catch (error) {
      if (error instanceof Crash) this.story.push(this.sender.fuse < 0 ? 'the sender died' : 'the hub died');
      else if (error instanceof Cut) this.story.push('cut');
      // What the command says before it ends; everything else is a fault of the simulation.
      else if (!(error instanceof PlaitError)) throw error;
    }
    if (this.sender.fuse < 0) this.crash();
    if (hub.store.fuse < 0) hub.crash();
    this.sender.fuse = Number.POSITIVE_INFINITY;
    hub.store.fuse = Number.POSITIVE_INFINITY;
  }

  /** What a push does: asks what is sealed, accepts what is not, drains. */
  session(remote: Remote, message: () => void = () => {}): void {
    const hub = this.hubs[remote];
    const { meta } = this.sender;
    message();
    const peer = installOf(hub.store.meta.self.store);
    const { wanted, missing } = this.#gaps(remote, peer);
    for (const id of wanted) this.enqueue(remote, id, 0);
    const watch = this.watcher.session(remote, message);
    const chunksOf = (id: SnapshotId) =>
      (this.disk.chunks.get(id) ?? [0]).map((chunk) => (this.disk.gone.has(chunk) ? undefined : chunk));
    const { now, random, variant } = this;
    const { inMemory } = this.disk;
    const numberOf = (id: SnapshotId) => this.numberOf(id);
    drain({ meta, hub, remote, now, random, missing, chunksOf, numberOf, variant, inMemory, watch });
  }

  #gaps(remote: Remote, peer: InstallId) {
    const { meta } = this.sender;
    const blobs = meta.numberedBlobs(V, 1, meta.blobHead(V), 1e6);
    const theirs = intervalsOf(blobs.filter(({ from }) => from === peer).map(({ number }) => number));
    const open = gaps(this.hubs[remote].sealed(meta.self.store), meta.blobHead(V));
    const dead = new Set(meta.queue({ remote, dead: true }).map(({ snapshot }) => snapshot));
    const told = this.#cursors.get(remote) ?? 0;
    const wanted = blobs.filter(({ number, from, snapshot }) => {
      if (this.variant === "the cursor is the sender's" && number <= told) return false;
      return from !== peer && !dead.has(snapshot) && open.some(([first, last]) => first <= number && number <= last);
    });
    this.#cursors.set(remote, meta.blobHead(V));
    return { wanted: wanted.map(({ snapshot }) => snapshot), missing: theirs };
  }

  /** Under a variant. */
  readonly #cursors = new Map<Remote, number>();

  numberOf(id: SnapshotId): number {
    const given = this.#counted.get(id);
    if (this.variant === 'numbers are given again after a crash' && given !== undefined) return given;
    return this.sender.meta.blobNumbers(V, [id])[id];
  }

  #count(id: SnapshotId): void {
    this.#counted.set(id, ++this.#counter.memory);
    if (this.#counter.memory % 3 === 0) this.#counter.disk = this.#counter.memory;
  }

  crash(): void {
    this.sender.restart();
    this.#counter.memory = this.#counter.disk;
    this.disk.inMemory.clear();
  }

  crashHub(): void {
    this.hubs[this.random.pick(REMOTES)].crash();
  }

  loseChunk(): void {
    this.disk.gone.add(this.random.pick([...this.disk.chunks.values()].flat()));
  }

  backUp(): void {
    const path = this.#file();
    this.sender.copyTo(path);
    this.#backup = { path, disk: copyOf(this.disk) };
  }

  /** What was made and accepted since is lost with the disk; the store goes on under another epoch. */
  restore(): void {
    if (this.#backup === undefined || this.random.chance(0.5)) return;
    this.disk = copyOf(this.#backup.disk);
    this.sender.restart(this.#backup.path);
    this.#backup = undefined;
  }

  /** Another, empty hub answers there from now on, as after a disk was lost; its user forgets what the old one said. */
  moveHub(): void {
    if (this.random.chance(0.7)) return;
    const remote = this.random.pick(REMOTES);
    this.watcher.check();
    this.disk.ledger = this.disk.ledger.filter(
      (item) => item.remote !== remote || !this.hubs[remote].isComplete(item.id),
    );
    const { refused } = this.hubs[remote];
    this.hubs[remote].close();
    this.hubs[remote] = this.#newHub();
    // Its limits are those of the old one: what died of them stays dead.
    for (const id of refused) this.hubs[remote].refused.add(id);
    // What it says was promised to a hub that nobody can look into any more.
    this.#backup = undefined;
  }

  /** One that this hub never takes. */
  refuse(): void {
    const hub = this.hubs[this.random.pick(REMOTES)];
    const id = this.random.pick([...this.disk.chunks.keys()]);
    if (!hub.isComplete(id)) hub.refused.add(id);
  }

  fill(): void {
    const hub = this.hubs[this.random.pick(REMOTES)];
    hub.full = !hub.full;
  }

  wait(): void {
    this.now += this.random.below(5_000_000);
  }

  tryAgain(): void {
    this.sender.meta.requeue({ remote: this.random.pick(REMOTES) });
  }

  /** Everything heals, and all that was promised has time to come true. */
  heal(): void {
    this.story.push('heal');
    for (const remote of REMOTES) {
      this.hubs[remote].full = false;
      // A part may still be damaged on its way; 30 times in a row it is not.
      for (let i = 0; i < 30; i++) {
        if (i > 0 && this.queueOf(remote).every(({ dead }) => dead)) break;
        this.now += 10_000_000;
        try {
          this.session(remote);
        } catch (error) {
          if (!(error instanceof PlaitError)) throw error;
        }
      }
    }
    this.watcher.check();
    this.watcher.atEnd();
  }

  queueOf = (remote: Remote): QueueItem[] => this.sender.meta.queue({ remote });
}
