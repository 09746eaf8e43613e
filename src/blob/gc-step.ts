/**
 * One step of gc at a time, each a transaction under the index's write lock: first the roots that came since are taken
 * in, then what is not needed is let go or moved. Files go in a later step, when the rows that named them are gone for
 * good; since packs come to their place under the same lock, none is taken for another of its name.
 */
import type { StatementSync } from 'node:sqlite';
import { setImmediate as tick } from 'node:timers/promises';
import type { Kind } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { removeFile } from '../disk/files.ts';
import type { ObjectRef } from './contract.ts';
import type { LiveObjects } from './gc-live.ts';
import { markedPacks } from './gc-markers.ts';
import { readBorrowers } from './index-borrow.ts';
import type { IndexDb, IndexWrite } from './index-db.ts';
import { packPath } from './pack-scan.ts';

/** Nodes or rows looked at between two looks at the rest of the world. */
const SLICE = 64;

export interface PackName {
  volset: VolsetId;
  pack: string;
}

export interface StepOptions {
  storeDir: string;
  packsDir: string;
  index: IndexDb;
  live: LiveObjects;
  /** Of gc itself, whose markers are for others. */
  sessionDir: string;
  signal?: AbortSignal;
}

export async function inSlices<T>(steps: Generator<void, T>, signal?: AbortSignal, slice = SLICE): Promise<T> {
  for (let n = 1; ; n++) {
    const { done, value } = steps.next();
    if (done) return value;
    if (n % slice !== 0) continue;
    await tick();
    signal?.throwIfAborted();
  }
}

export class Steps {
  objectsRemoved = 0;
  packsRemoved = 0;
  /** Owners of packs that sessions hold. */
  readonly busy = new Set<VolsetId>();
  readonly #options: StepOptions;
  /** No row names them any more. */
  #doomed: PackName[] = [];

  constructor(options: StepOptions) {
    this.#options = options;
  }

  /** Runs `body` under the lock, once everything that has become visible for the owner of packs or who borrows is live. */
  async run<T>(owner: VolsetId, body: (step: Step) => T): Promise<T> {
    const { index, live, signal } = this.#options;
    signal?.throwIfAborted();
    // Outside of the lock, where it may take long; under it hardly anything is left.
    for (const volset of [owner, ...index.borrowersOf(owner)]) await inSlices(live.catchUp(volset), signal);
    return index.write((tx) => {
      this.#removeDoomed(tx);
      const volsets = [owner, ...readBorrowers(tx.db, owner)];
      for (const volset of volsets) for (const _ of live.catchUp(volset));
      return inStep(new Step(tx, volsets, live, this.#marked()), body);
    });
  }

  /** Lets go of the rows of a pack that nothing needs, and then of the pack. True where it went. */
  async free(name: PackName, batches: ObjectRef[][]): Promise<boolean> {
    let [removed, gone] = [0, false];
    for (const [n, batch] of batches.entries()) {
      const last = n === batches.length - 1;
      const result = await this.run(name.volset, (step) => {
        const number = step.packNumber(name);
        if (step.marked.has(name.pack)) this.busy.add(name.volset);
        if (number === undefined || step.marked.has(name.pack)) return undefined;
        const count = step.removeDead(number, batch);
        // Of the earlier batches some may have come back: a pack of the same name, recorded anew.
        const drop = last && batches.every((refs) => !step.isUsed(number, refs));
        if (drop) step.dropPack(number);
        return { count, drop };
      });
      if (!result) break;
      removed += result.count;
      gone = result.drop;
    }
    this.objectsRemoved += removed;
    if (gone) {
      this.packsRemoved++;
      this.#doomed.push(name);
    }
    return gone;
  }

  /** Files of packs that went. */
  async end(): Promise<void> {
    if (this.#doomed.length > 0) await this.#options.index.write((tx) => this.#removeDoomed(tx));
  }

  #removeDoomed(tx: IndexWrite): void {
    if (this.#doomed.length === 0) return;
    const marked = this.#marked();
    for (const { volset, pack } of this.#doomed.splice(0)) {
      // One of the same name has come since.
      if (marked.has(pack) || tx.hasPack(volset, pack)) continue;
      removeFile(packPath(this.#options.packsDir, volset, pack));
    }
  }

  #marked(): Set<string> {
    return markedPacks(this.#options.storeDir, this.#options.sessionDir);
  }
}

/** What was taken or moved, writers that rely on it look for again: they see that the counter has moved. */
export function inStep<T>(step: Step, body: (step: Step) => T): T {
  const result = body(step);
  if (step.changed) step.tx.db.exec("UPDATE meta SET value = value + 1 WHERE key = 'gc'");
  return result;
}

interface Row {
  pack: number;
}

/** What one step may do; only valid until it has ended. */
export class Step {
  readonly tx: IndexWrite;
  readonly marked: ReadonlySet<string>;
  changed = false;
  readonly #holders: { volset: VolsetId; number: number }[];
  readonly #live: Pick<LiveObjects, 'isLive'>;
  readonly #find: StatementSync;
  readonly #delete: StatementSync;

  constructor(
    tx: IndexWrite,
    holders: VolsetId[],
    live: Pick<LiveObjects, 'isLive'> = { isLive: () => true },
    marked: ReadonlySet<string> = new Set(),
  ) {
    this.tx = tx;
    this.marked = marked;
    this.#live = live;
    this.#holders = holders.map((volset) => ({ volset, number: tx.rows.volset(volset) }));
    this.#find = tx.db.prepare('SELECT pack FROM objects WHERE volset = ? AND kind = ? AND id = ?');
    this.#delete = tx.db.prepare('DELETE FROM objects WHERE volset = ? AND kind = ? AND id = ?');
  }

  packNumber({ volset, pack }: PackName): number | undefined {
    const sql = 'SELECT p.n FROM packs p JOIN volsets v ON v.n = p.volset WHERE v.id = ? AND p.id = ?';
    const row = this.tx.db.prepare(sql).get(volset, pack);
    return row && Number(row.n);
  }

  /** Rows that name this pack and are not needed; answers with their number. */
  removeDead(pack: number, refs: ObjectRef[]): number {
    let count = 0;
    for (const { kind, id } of refs) {
      for (const { volset, number } of this.#rowsIn(pack, kind, id)) {
        if (this.#live.isLive(volset, kind, id)) continue;
        this.#delete.run(number, kind, id);
        count++;
      }
    }
    if (count > 0) this.changed = true;
    return count;
  }

  isUsed(pack: number, refs: ObjectRef[]): boolean {
    return refs.some(({ kind, id }) => !this.#rowsIn(pack, kind, id).next().done);
  }

  /** Numbers of the holders that need this object and whose row of it names one of these packs. */
  *holdersIn(packs: ReadonlySet<number>, kind: Kind, id: Uint8Array): Generator<number> {
    for (const { volset, number } of this.#holders) {
      const row = this.#find.get(number, kind, id) as unknown as Row | undefined;
      if (row && packs.has(row.pack) && this.#live.isLive(volset, kind, id)) yield number;
    }
  }

  *#rowsIn(pack: number, kind: Kind, id: Uint8Array): Generator<{ volset: VolsetId; number: number }> {
    for (const holder of this.#holders) {
      const row = this.#find.get(holder.number, kind, id) as unknown as Row | undefined;
      if (row?.pack === pack) yield holder;
    }
  }

  dropPack(pack: number): void {
    this.tx.db.prepare('DELETE FROM packs WHERE n = ?').run(pack);
    this.changed = true;
  }
}
