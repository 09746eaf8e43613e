/** Each breaks one rule of the merge; test/properties/watermark.test.ts expects the schedules to notice. */
import type { StoreId } from '../../src/core/ids.ts';
import { type Checkpoint, type ViewEvent, WatermarkTracker } from '../../src/core/watermark.ts';
import type { Value } from './watermark-peer.ts';

type Tracker = typeof WatermarkTracker<Value>;

export interface Mutant {
  name: string;
  /** What notices: the beginnings of the invariants. */
  noticed: string[];
  tracker: Tracker;
}

class NoFloor extends WatermarkTracker<Value> {
  protected override isKnown(): boolean {
    return false;
  }
}

class NoTombstones extends WatermarkTracker<Value> {
  protected override bury(): void {}
}

/** Sound by itself: what the state knows of is told apart by its revision. */
class AllTombstones extends WatermarkTracker<Value> {
  protected override bury(tombstones: Map<string, number>, key: string, revision: number): void {
    tombstones.set(key, revision);
  }
}

class NearestTombstone extends AllTombstones {
  protected override tombstoneOver(tombstones: ReadonlyMap<string, number>, key: string): number {
    const over = [...tombstones].filter(([path]) => key === path || key.startsWith(`${path}/`));
    return over.sort(([a], [b]) => b.length - a.length)[0]?.[1] ?? 0;
  }
}

class TextPrefix extends WatermarkTracker<Value> {
  protected override tombstoneOver(tombstones: ReadonlyMap<string, number>, key: string): number {
    return Math.max(0, ...[...tombstones].filter(([path]) => key.startsWith(path)).map(([, revision]) => revision));
  }
}

class StaleTaken extends WatermarkTracker<Value> {
  protected override isStale(): boolean {
    return false;
  }
}

class NoSweep extends WatermarkTracker<Value> {
  protected override isLeftOver(): boolean {
    return false;
  }
}

class GapIgnored extends WatermarkTracker<Value> {
  protected override neededAfterGap(head: number): number | undefined {
    return this.resumeAt === undefined ? head : this.needed;
  }
}

class AnyStore extends WatermarkTracker<Value> {
  protected override isOther(_store: StoreId): boolean {
    return false;
  }
}

class CursorAhead extends WatermarkTracker<Value> {
  override checkpoint(): Checkpoint<Value> {
    const checkpoint = super.checkpoint();
    return { ...checkpoint, cursor: checkpoint.cursor + 1 };
  }
}

class TruncatedSweeps extends WatermarkTracker<Value> {
  #items = 0;
  override begin(store: StoreId, revision: number): 'taken' | 'stale' {
    this.#items = 0;
    return super.begin(store, revision);
  }
  override item(key: string, value: Value, revision?: number): ViewEvent<Value>[] {
    this.#items++;
    return super.item(key, value, revision);
  }
  override end(): { events: ViewEvent<Value>[]; again: boolean } {
    return super.end(this.#items);
  }
}

class ResumedLater extends WatermarkTracker<Value> {
  override get resumeAt(): number | undefined {
    const at = super.resumeAt;
    return at === undefined ? undefined : at + 1;
  }
}

class TellsAgain extends WatermarkTracker<Value> {
  protected override isNewer(): boolean {
    return true;
  }
}

class OldNews extends WatermarkTracker<Value> {
  protected override isNewer(revision: number, mark: number): boolean {
    return revision < mark;
  }
}

const mutant = (name: string, tracker: Tracker, ...noticed: string[]): Mutant => ({ name, tracker, noticed });

/** Other ways to the same view: nothing is to be noticed. */
export const HARMLESS: Mutant[] = [mutant('tombstones of all deletions', AllTombstones)];

/** A wrong view is noticed at once (F1), by an event that does not fit (F2), or at the end (F4). */
const WRONG = ['F1', 'F2', 'F4'];

export const MUTANTS: Mutant[] = [
  mutant('nofloor', NoFloor, ...WRONG),
  mutant('notombs', NoTombstones, ...WRONG),
  mutant('longestprefix', NearestTombstone, ...WRONG),
  mutant('staleok', StaleTaken, ...WRONG),
  mutant('nosweep', NoSweep, ...WRONG),
  mutant('gapnosnap', GapIgnored, ...WRONG),
  mutant('noident', AnyStore, ...WRONG, 'F5'),
  mutant('cursorlead', CursorAhead, ...WRONG, 'F6'),
  mutant('textprefix', TextPrefix, ...WRONG),
  mutant('truncsweep', TruncatedSweeps, ...WRONG, 'F10'),
  mutant('seam', ResumedLater, ...WRONG, 'F8', 'F12'),
  mutant('tellsagain', TellsAgain, ...WRONG, 'F9'),
  mutant('oldnews', OldNews, ...WRONG, 'F9'),
];
