/** A peer that keeps every state it was ever in, to ask a view what it should be. */
import type { InstallId, StoreId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import type { ViewChange } from '../../src/core/watermark.ts';
import type { Random } from '../support/seed.ts';

/** An object of its own each time it is told: only revisions can say that it is the same. */
export interface Value {
  text: string;
}
export type State = ReadonlyMap<string, { text: string; revision: number }>;

export const KEYS = ['/a/x', '/a/y', '/a/b/p', '/a/b/q', '/ab', '/c'];
const DELETED = ['/a', '/a/b', '/c', '/ab', '/a/x', '/a/b/p', '/a/b/p/none', ''];

const covers = (over: string, key: string): boolean => key === over || key.startsWith(`${over}/`);

export class ModelPeer {
  readonly id: StoreId;
  revision = 0;
  /** The first revision behind which the log is whole. */
  oldest = 0;
  /** By revision. */
  readonly history: State[] = [new Map()];
  /** By revision - 1. */
  readonly log: ViewChange<Value>[][] = [];

  constructor(number: number) {
    this.id = storeId(number.toString(16).padStart(32, '0') as InstallId, 1);
  }

  write(random: Random): void {
    const state = new Map(this.history[this.revision]);
    const revision = ++this.revision;
    const changes: ViewChange<Value>[] = [];
    const kind = random.below(8);
    if (kind < 3) {
      const key = kind === 0 && random.chance(0.2) ? '' : DELETED[random.below(DELETED.length - 1)];
      for (const known of [...state.keys()]) if (covers(key, known)) state.delete(known);
      changes.push({ key, deleted: true });
    }
    if (kind > 1) {
      const [key, text] = [random.pick(KEYS), `${this.id}:${revision}`];
      state.set(key, { text, revision });
      changes.push({ key, value: { text } });
    }
    this.log.push(changes);
    this.history.push(state);
  }
}
