/**
 * Garbage collection: mark what the roots need, measure the packs, sweep. docs/design.md says why each step is safe
 * beside whoever reads and writes. It ends at any point with a valid store.
 */
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import type { NodeId, VolsetId } from '../core/ids.ts';
import type { CollectOptions, CollectStats } from './contract.ts';
import { LiveObjects } from './gc-live.ts';
import { sweepOrphans } from './gc-orphans.ts';
import { batchesOf } from './gc-packs.ts';
import { rewrite } from './gc-rewrite.ts';
import { inSlices, type PackName, Steps } from './gc-step.ts';
import { measure, type PackUse, type Plan, planOf, sizeThen } from './gc-usage.ts';
import type { IndexDb } from './index-db.ts';
import { tryFileLock } from './lock.ts';
import { type Session, takeNewSession } from './session.ts';

const WASTE = 0.1;

export interface GcSource {
  storeDir: string;
  packsDir: string;
  index: IndexDb;
  readNode: (volset: VolsetId, id: NodeId) => Uint8Array;
}

/** One collection, or repair of a pack, at a time; what it writes is in a folder of its own. @throws `busy` */
export async function aloneWithPacks<T>(storeDir: string, work: (session: Session) => Promise<T>): Promise<T> {
  const lock = tryFileLock(join(storeDir, 'gc.lock'));
  if (!lock) {
    throw new PlaitError('busy', 'Garbage of this store is being collected by another command.', {
      hint: 'Try again when it has ended.',
    });
  }
  try {
    const session = takeNewSession(join(storeDir, 'tmp'), 'gc-');
    try {
      return await work(session);
    } finally {
      session.remove();
    }
  } finally {
    lock.release();
  }
}

export function collect(source: GcSource, options: CollectOptions): Promise<CollectStats> {
  return aloneWithPacks(source.storeDir, async (session) => {
    const run = new Collection(source, options, session);
    try {
      return await run.run();
    } finally {
      run.close();
    }
  });
}

class Collection {
  readonly #source: GcSource;
  readonly #options: CollectOptions;
  readonly #session: Session;
  readonly #live: LiveObjects;
  readonly #steps: Steps;
  readonly #damaged: { volset: VolsetId; what: string }[] = [];
  #rewritten = 0;
  #packs = 0;
  #bytes = 0;

  constructor(source: GcSource, options: CollectOptions, session: Session) {
    this.#source = source;
    this.#options = options;
    this.#session = session;
    const { volsets, roots, generations, onProgress, signal } = options;
    this.#live = new LiveObjects(session.dir, {
      volsets,
      roots,
      ...(generations && { generations }),
      nodes: (volset) => ({ readNode: (id) => source.readNode(volset, id) }),
      onSnapshot: (snapshots) => onProgress?.({ phase: 'mark', snapshots }),
    });
    const { storeDir, packsDir, index } = source;
    const where = { storeDir, packsDir, index, sessionDir: session.dir, live: this.#live };
    this.#steps = new Steps({ ...where, ...(signal && { signal }) });
  }

  async run(): Promise<CollectStats> {
    const { index } = this.#source;
    const { dryRun, waste = WASTE, thorough, signal } = this.#options;
    const bytesBefore = this.#bytesNow();
    await this.#mark();
    const uses = await inSlices(measure(index, this.#live), signal, 1);
    const plan = planOf(uses, this.#live.skipped, (volset) => (thorough?.has(volset) ? 0 : waste));
    if (dryRun) return this.#estimate(bytesBefore, plan);
    await this.#sweep(plan);
    return {
      bytesBefore,
      bytesAfter: this.#bytesNow(),
      packsRemoved: this.#steps.packsRemoved - this.#rewritten,
      packsRewritten: this.#rewritten,
      objectsRemoved: this.#steps.objectsRemoved,
      skipped: this.#skipped(),
      busy: [...this.#steps.busy],
    };
  }

  async #mark(): Promise<void> {
    const { volsets, signal } = this.#options;
    for (const volset of volsets) await inSlices(this.#live.generations(volset), signal);
    for (const volset of this.#allVolsets()) await inSlices(this.#live.catchUp(volset), signal);
  }

  /** One that is not named may have got roots since whoever asks has listed them. */
  #allVolsets(): Set<VolsetId> {
    const rows = this.#source.index.read((db) => db.prepare('SELECT id FROM volsets').all());
    return new Set([...this.#options.volsets, ...rows.map(({ id }) => id as VolsetId)]);
  }

  async #sweep(plan: Plan): Promise<void> {
    try {
      await this.#sweepPacks(plan);
    } finally {
      // Whatever stopped it: their rows are gone.
      await this.#steps.end();
    }
  }

  async #sweepPacks({ remove, trim, rewrite: anew }: Plan): Promise<void> {
    const { index, packsDir } = this.#source;
    for (const use of [...remove, ...trim]) {
      await this.#steps.free(use, batchesOf(index, packsDir, use));
      this.#swept(use);
      await tick();
    }
    // First of all what frees space: packs that are written anew need some.
    await this.#steps.end();
    await sweepOrphans({ index, packsDir, steps: this.#steps, skipped: this.#live.skipped });
    for (const [volset, packs] of anew) await this.#rewrite(volset, packs);
  }

  async #rewrite(volset: VolsetId, packs: PackUse[]): Promise<void> {
    const { index, packsDir } = this.#source;
    const { signal } = this.#options;
    const bytes = new Map(packs.map((use) => [use.pack, use]));
    this.#rewritten += await rewrite({
      volset,
      packs,
      index,
      packsDir,
      sessionDir: this.#session.dir,
      live: this.#live,
      steps: this.#steps,
      ...(signal && { signal }),
      onDamage: ({ pack }, what) => this.#damaged.push({ volset, what: `pack ${pack} cannot be read: ${what}` }),
      onPack: ({ pack }) => this.#swept(bytes.get(pack)),
    });
  }

  #swept(use: (PackName & { bytes: number }) | undefined): void {
    this.#packs++;
    this.#bytes += use?.bytes ?? 0;
    this.#options.onProgress?.({ phase: 'sweep', packs: this.#packs, bytes: this.#bytes });
  }

  #estimate(bytesBefore: number, { remove, trim, rewrite: anew }: Plan): CollectStats {
    const rewritten = [...anew.values()].flat();
    const freed = (packs: PackUse[]): number => packs.reduce((sum, use) => sum + use.bytes - sizeThen(use), 0);
    return {
      bytesBefore,
      bytesAfter: Math.round(bytesBefore - freed(remove) - freed(rewritten)),
      packsRemoved: remove.length,
      packsRewritten: rewritten.length,
      objectsRemoved: [...remove, ...trim, ...rewritten].reduce((sum, { dead }) => sum + dead, 0),
      skipped: this.#skipped(),
      busy: [...this.#steps.busy],
    };
  }

  #skipped(): CollectStats['skipped'] {
    return [...[...this.#live.skipped].map(([volset, what]) => ({ volset, what })), ...this.#damaged];
  }

  #bytesNow(): number {
    return this.#source.index.packs().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  close(): void {
    this.#live.close();
  }
}
