/** What the change feed is made of, and the pins that keep the log readable for who reads it. */
import type { VolsetId } from '../../core/ids.ts';
import type { Change, Head, Mark } from '../../core/peer.ts';
import type { BranchView, VolsetView } from './views.ts';

/** A stretch of the feed. */
export interface ChangesPage {
  /** Ascending by revision, at least one unless `mark` is there. */
  changes: Change[];
  /** Of the last change: where the next page begins. Without changes: as asked. */
  revision: number;
  /** Nothing came behind these changes: the store as of the same instant. */
  mark?: Mark;
}

/** In the order of arrival (core/peer, Head). */
export interface MetaFeed {
  /** As the feed tells it (core/peer, Head); 0: nothing is here that could be told. */
  revision(volset: VolsetId): number;
  /**
   * The next changes behind revision `after`, about 1000 records or 1 MiB. Nothing of what is not cut yet. Throws
   * `compacted` where compaction thinned out what lies behind `after`, `ahead` where `after` is larger than our revision.
   */
  changesAfter(volset: VolsetId, after: number): ChangesPage;
  /** What people see of a volset, and at which revision, in one read. `view` null: deleted, or not known here. */
  viewOf(volset: VolsetId): { revision: number; view: VolsetView | null; branches: BranchView[] };
  /**
   * Of all volsets known here, deleted ones included. Cheap: asked several times a second. Like the feed, it does not show
   * what is not cut: who waits for edits of this store cuts first. `open`: there is something that is not cut, which
   * the other reads show.
   */
  heads(): { volset: VolsetId; head: Head; open: boolean }[];
  /**
   * What stands in the log now stays readable as it is until `until` (milliseconds since the epoch): compaction drops
   * no write whose follower came later. A name that is pinned already keeps its place and gets the new time.
   */
  pin(volset: VolsetId, name: string, until: number): void;
  unpin(name: string): void;
}
