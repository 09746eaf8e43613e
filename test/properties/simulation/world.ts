/** The stores of one simulation and what may happen to them; everything follows from one seed. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BranchId, VolsetId } from '../../../src/core/ids.ts';
import type { Policy } from '../../../src/core/reconcile.ts';
import type { Verb } from '../../../src/sync/replicate.ts';
import { Random } from '../../support/seed.ts';
import { editSomething } from './edits.ts';
import { codeOf, type Exchanged, exchange, isExpected, survived, type Wanted } from './exchange.ts';
import { faultsOf, type Memory } from './invariants.ts';
import { logOf } from './oracle.ts';
import { SimStore } from './sim-store.ts';
import { dropOld, tellAgain, tellNewcomer, tellWrongly, tryFirst } from './trials.ts';

/** What may go wrong in a run besides edits and syncs. */
export interface Perils {
  crashes: boolean;
  losses: boolean;
  /** Backups put back, and copies used side by side. */
  copies: boolean;
  compaction: boolean;
  ephemeral: boolean;
  deletesVolset: boolean;
  /** Milliseconds by which clocks are wrong, at most. */
  skew: number;
}

const MAX_STORES = 6;
const POLICIES: Policy[] = ['target', 'current', 'newest'];
const DAY_MS = 86_400_000;

export class World implements Disposable {
  readonly random: Random;
  readonly volset: VolsetId;
  readonly stores: SimStore[] = [];
  readonly perils: Perils;
  /** What happened, for whoever reads a failure. */
  readonly story: string[] = [];
  readonly #dir: string;
  readonly #memories = new Map<SimStore, Memory>();
  /** What two stores held when one last spoke with the other. */
  readonly #told = new Map<string, string[]>();
  readonly #backups: { store: SimStore; dir: string }[] = [];
  #now = 1_750_000_000_000;
  #count = 0;

  constructor(seed: number, perils: Perils) {
    this.random = new Random(seed);
    this.perils = perils;
    this.volset = this.random.hex(32) as VolsetId;
    this.#dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'plait-sim-'));
    const count = (perils.copies ? 3 : 2) + this.random.below(3);
    for (let i = 0; i < count; i++) this.#add(i);
    const [first] = this.stores;
    const branch = this.random.hex(32) as BranchId;
    first.meta.commit(this.volset, [
      { edit: 'create-volset', name: 'data', creator: first.name },
      { edit: 'create-branch', branch, name: 'main', creator: first.name },
    ]);
    this.cut(first);
  }

  #add(i: number): void {
    const { random, perils } = this;
    const name = `store${i}`;
    const skew = random.chance(0.4) ? random.below(2 * perils.skew + 1) - perils.skew : 0;
    const store = new SimStore({
      name,
      dir: join(this.#dir, name),
      random,
      now: () => this.#now,
      skew,
      ephemeral: perils.ephemeral && i > 1 && random.chance(0.4),
      metadataOnly: i > 0 && random.chance(0.2),
      ...(random.chance(0.5) && { stateDir: join(this.#dir, `state${i}`) }),
    });
    if (store.options.metadataOnly) store.meta.putSetting(`volset.${this.volset}.metadata-only`, 'true');
    this.stores.push(store);
  }

  [Symbol.dispose](): void {
    for (const store of this.stores) store.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Most stores begin with the same volset; some hear of it later. */
  async begin(): Promise<void> {
    const [first, ...others] = this.stores;
    for (const store of others)
      if (this.random.chance(0.8)) await this.sync(store, first, { verb: 'sync', policy: 'target' });
  }

  /** One thing that happens. Throws what must not. */
  async step(): Promise<void> {
    const { random, perils } = this;
    this.#now += random.below(30_000);
    if (perils.copies && random.chance(0.08)) this.#copyOrRestore();
    const dice = random.below(100);
    if (dice < 40) await this.#edit(random.pick(this.stores));
    else if (dice < 77) await this.#syncSomePair();
    else if (dice < 80) await this.#replay();
    else if (dice < 86) this.#refuse();
    else if (dice < 92) await this.#editAlike();
    else if (dice < 97) await (perils.compaction ? this.#compact() : this.#syncSomePair());
    else this.#reopen(random.pick(this.stores));
  }

  async #edit(store: SimStore): Promise<void> {
    this.#arm(store, 3);
    // People move tips as they like.
    delete this.#memories.get(store)?.tips;
    const done = await survived(() =>
      editSomething({ ...this.perils, random: this.random, volset: this.volset }, store),
    );
    this.story.push(`${store.name} edits${done === undefined ? ' and is killed' : ''}`);
    store.revive();
    if (this.random.chance(0.3)) this.cut(store);
  }

  /** Before any of them hears of another: rivals by the handful. */
  async #editAlike(): Promise<void> {
    const { random, volset, stores } = this;
    const field = random.pick(['description', 'attr:k1', 'name']);
    for (const store of stores) {
      if (!store.quietly.findVolset(volset) || random.chance(0.3)) continue;
      store.dirty = true;
      this.#now += random.below(1000);
      store.meta.commit(volset, [{ edit: 'set', register: `volset:${field}`, value: `v${random.below(4)}` }]);
      if (random.chance(0.7)) this.cut(store);
    }
    this.story.push(`all edit the ${field}`);
  }

  /** Everything that was edited there is in a closed generation. */
  cut(store: SimStore): void {
    if (store.quietly.knowsVolset(this.volset)) store.quietly.cut(this.volset);
    store.dirty = false;
    store.touched = true;
  }

  /** Somewhere in what follows the process may die. */
  #arm(store: SimStore, calls: number): void {
    if (this.perils.crashes && this.random.chance(0.15)) store.light(this.random.below(calls));
  }

  async #syncSomePair(): Promise<void> {
    const { random } = this;
    const pair = this.#pair();
    if (!pair) return;
    const verb = random.pick<Verb>(['fetch', 'push', 'pull', 'sync', 'sync', 'sync']);
    const policy = random.pick(POLICIES);
    const pullOnly = verb === 'sync' && random.chance(0.2);
    for (const store of pair) this.#arm(store, 30);
    await this.sync(
      pair[0],
      pair[1],
      { verb, policy, options: { pullOnly } },
      this.perils.losses && random.chance(0.3) ? 0.15 : 0,
    );
  }

  #pair(): [SimStore, SimStore] | undefined {
    const hubs = this.stores.filter(({ options }) => !options.ephemeral);
    const [a, b] = [this.random.pick(this.stores), this.random.pick(hubs)];
    return a === b ? undefined : [a, b];
  }

  async sync(client: SimStore, hub: SimStore, wanted: Wanted, loss = 0): Promise<Exchanged> {
    const { random, volset } = this;
    const meanwhile = async (): Promise<void> => {
      if (!random.chance(0.5)) return;
      await this.#edit(hub);
      this.cut(hub);
    };
    const line = { random, volset, loss, ...(loss > 0 && { meanwhile }) };
    if (random.chance(0.1) && client.quietly.knowsVolset(volset)) {
      this.cut(client);
      const dry = { ...wanted, options: { ...wanted.options, dryRun: true } };
      await tryFirst(this, client, () => exchange({ random, volset, loss: 0 }, client, hub, dry));
    }
    const wentBack = this.#wentBack(client, hub);
    let done = await exchange(line, client, hub, wanted);
    if (wentBack && !done.error) throw new Error(`${hub.name} went back and ${client.name} went on`);
    const codes = [codeOf(done.error)];
    // The user is told, looks, and says yes: the other store did go back.
    if (codes[0] === 'rollback' && hub.restored) {
      done = await exchange(line, client, hub, { ...wanted, options: { ...wanted.options, acceptRollback: true } });
      codes.push(codeOf(done.error));
    }
    this.story.push(`${client.name} ${wanted.verb} ${hub.name} ${wanted.policy}: ${codes.join(', ')} ${done.exits}`);
    if (!done.error) {
      client.dirty = false;
      const held = new Set(logOf(client.quietly, volset).map(({ hash }) => hash));
      const both = logOf(hub.quietly, volset).filter(({ hash }) => held.has(hash));
      this.#told.set(
        `${client.name} ${hub.name}`,
        both.map(({ hash }) => hash),
      );
    }
    if (!isExpected(done.error, client, hub, volset)) throw done.error;
    return done;
  }

  /**
   * Does a store lack what it held when another last spoke with it? That must be noticed (exit 16), not be taken for what
   * people want now. Where copies of either are about, nobody can tell whose memory it was.
   */
  #wentBack(client: SimStore, hub: SimStore): boolean {
    const isAlone = (store: SimStore): boolean =>
      this.stores.every((other) => other === store || other.blob !== store.blob);
    if (client.restored || !isAlone(client) || !isAlone(hub)) return false;
    const held = new Set<string>(logOf(hub.quietly, this.volset).map(({ hash }) => hash));
    return this.#told.get(`${client.name} ${hub.name}`)?.some((hash) => !held.has(hash)) ?? false;
  }

  /** I9 */
  async #replay(): Promise<void> {
    const { random, volset } = this;
    const pair = this.#pair();
    if (!pair?.every((store) => store.quietly.knowsVolset(volset))) return;
    const [to, from] = pair;
    if (to.quietly.self.store === from.quietly.self.store) return;
    const { error } = await this.sync(to, from, { verb: 'fetch', policy: 'target' });
    if (error) return;
    if (!to.options.ephemeral) {
      this.cut(to);
      tellNewcomer(this, to, from);
    }
    const count = tellAgain(this, to, from, random.chance(0.5) ? random.pick(POLICIES) : undefined);
    this.story.push(`${to.name} hears ${count} generations of ${from.name} again`);
  }

  /** I10 */
  #refuse(): void {
    const pair = this.#pair();
    if (!pair?.every((store) => store.quietly.knowsVolset(this.volset))) return;
    const [to, from] = pair;
    const tried = tellWrongly(this, to.meta, from, !to.dirty || to.options.ephemeral === true);
    if (tried.length > 0) this.story.push(`${to.name} refuses ${tried.join(', ')} from ${from.name}`);
  }

  #copyOrRestore(): void {
    const { random, stores } = this;
    const store = random.pick(stores);
    const dice = random.below(10);
    if (dice < 5) {
      const dir = join(this.#dir, `backup${this.#count++}`);
      store.backup(dir);
      this.#backups.push({ store, dir });
      this.story.push(`${store.name} is backed up`);
    } else if (dice < 8 && this.#backups.length > 0) {
      const backup = random.pick(this.#backups);
      const inPlace = random.chance(0.6);
      backup.store.restore(backup.dir, inPlace);
      this.#memories.delete(backup.store);
      this.story.push(`${backup.store.name} is put back${inPlace ? ' in place' : ''}`);
    } else if (stores.length < MAX_STORES && !store.options.ephemeral) {
      const hidden = random.chance(0.5);
      const name = `copy${this.#count++}`;
      const copy = store.copy(name, join(this.#dir, name), hidden);
      stores.push(copy);
      const { self } = copy.quietly;
      if (!copy.hidden && !self.ephemeral && self.store === store.quietly.self.store)
        throw new Error(`${name} goes under the name of ${store.name}`);
      this.story.push(`${store.name} is copied as ${name}${hidden ? ', which nothing tells' : ''}`);
    }
  }

  #compact(): void {
    const store = this.random.pick(this.stores);
    if (store.options.ephemeral || !store.quietly.knowsVolset(this.volset)) return;
    this.cut(store);
    this.story.push(`${store.name} drops ${dropOld(this, store, this.stores, 180 * DAY_MS)}`);
  }

  #reopen(store: SimStore): void {
    store.reopen();
    this.story.push(`${store.name} is opened again`);
  }

  /** What is wrong with any store that something happened to since the last look. */
  faults(): string[] {
    return this.stores.flatMap((store) => {
      if (!store.touched) return [];
      store.touched = false;
      const memory = this.#memories.get(store) ?? { vector: {} };
      this.#memories.set(store, memory);
      const complete = !store.dirty || store.options.ephemeral === true;
      return faultsOf(store.quietly, this.volset, memory, complete).map((fault) => `${store.name}: ${fault}`);
    });
  }
}
