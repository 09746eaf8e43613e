/**
 * What roots need, of all volsets: one set of ids that spills to a scratch database. Each snapshot costs what it does not
 * share with those before it. New roots are taken in whenever somebody asks, under the index's lock at last.
 */
import { hash } from 'node:crypto';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, unhex } from '../core/hash.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { STORE_STATE } from '../core/state-object.ts';
import type { CollectOptions, CollectRoot, NodeSource } from './contract.ts';
import { ID_BYTES } from './format.ts';
import { liveSteps } from './manifest/live.ts';
import { PromisedIds } from './scratch.ts';

/** Roots asked for at a time: a query of meta.db does not stay open while others work. */
const PAGE = 256;

export interface LiveOptions extends Pick<CollectOptions, 'volsets' | 'roots' | 'generations'> {
  nodes: (volset: VolsetId) => NodeSource;
  onSnapshot?: (count: number) => void;
}

export class LiveObjects {
  /** Volsets whose trees cannot be walked, and why: all of theirs is live. */
  readonly skipped = new Map<VolsetId, string>();
  readonly #options: LiveOptions;
  readonly #ids: PromisedIds;
  readonly #named: ReadonlySet<VolsetId>;
  readonly #last = new Map<VolsetId, number>();
  readonly #masks = new Map<VolsetId, Uint8Array>();
  readonly #key = new Uint8Array(ID_BYTES);
  #snapshots = 0;

  constructor(dir: string, options: LiveOptions) {
    this.#options = options;
    this.#ids = new PromisedIds(dir);
    this.#named = new Set(options.volsets);
  }

  isLive(volset: VolsetId, kind: Kind, id: Uint8Array): boolean {
    // What the store tells of itself belongs to no volset.
    if (volset === STORE_STATE || this.skipped.has(volset)) return true;
    if (kind <= KIND.snapshot) return this.#ids.has(kind, this.#keyOf(volset, id));
    // A volset that was not named may have come since.
    if (!this.#named.has(volset)) return this.#last.has(volset);
    if (kind !== KIND.generation || !this.#options.generations) return true;
    return this.#ids.has(kind, this.#keyOf(volset, id));
  }

  /** Generations that stay where the log was thinned out; once, before anything else. */
  *generations(volset: VolsetId): Generator<void, void> {
    for (const id of this.#options.generations?.(volset) ?? []) {
      this.#ids.add(KIND.generation, this.#keyOf(volset, id));
      yield;
    }
  }

  /** Takes in the roots that came since; yields often. A volset that was not named has some where it came since. */
  *catchUp(volset: VolsetId): Generator<void, void> {
    while (!this.skipped.has(volset)) {
      let at: SnapshotId | undefined;
      try {
        const roots = this.#page(volset);
        if (roots.length === 0) return;
        for (const root of roots) {
          at = root.snapshot;
          yield* this.#mark(volset, root);
          this.#last.set(volset, root.number);
          this.#options.onSnapshot?.(++this.#snapshots);
        }
      } catch (error) {
        if (!(error instanceof PlaitError) || !DAMAGE.has(error.code)) throw error;
        this.skipped.set(volset, unwalkable(at, error));
      }
    }
  }

  #page(volset: VolsetId): CollectRoot[] {
    const page: CollectRoot[] = [];
    for (const root of this.#options.roots(volset, this.#last.get(volset) ?? 0)) {
      if (page.push(root) === PAGE) break;
    }
    return page;
  }

  *#mark(volset: VolsetId, { snapshot, root }: CollectRoot): Generator<void, void> {
    const meet = (kind: Kind, id: Uint8Array): boolean => this.#ids.add(kind, this.#keyOf(volset, id));
    meet(KIND.snapshot, unhex(snapshot));
    yield* liveSteps(this.#options.nodes(volset), root, meet);
  }

  /** The same id in two volsets is two objects: each volset has a mask of its own. Good until the next call. */
  #keyOf(volset: VolsetId, id: Uint8Array): Uint8Array {
    let mask = this.#masks.get(volset);
    if (!mask) {
      mask = hash('sha256', `gc ${volset}`, 'buffer');
      this.#masks.set(volset, mask);
    }
    for (let n = 0; n < ID_BYTES; n++) this.#key[n] = id[n] ^ mask[n];
    return this.#key;
  }

  close(): void {
    this.#ids.close();
  }
}

/** What says that a tree is not whole or not sound here. */
export const DAMAGE: ReadonlySet<string> = new Set(['blob-absent', 'integrity', 'format', 'protocol']);

/** @param snapshot of whose tree; undefined where it is not even known what is to be walked */
export const unwalkable = (snapshot: SnapshotId | undefined, { message }: PlaitError): string =>
  snapshot === undefined
    ? `what is needed of it cannot be told: ${message}`
    : `the tree of snapshot ${snapshot.slice(0, 12)} cannot be read: ${message}`;
