/** What a view is given and what it gives back. */
import type { Api } from './api.ts';
import type { Wanted } from './download/save.ts';
import type { LiveStatus } from './live/status.ts';
import type { StoreLive } from './live/store-live.ts';
import type { VolsetLive } from './live/volset-live.ts';
import type { Place } from './router.ts';

export interface ViewContext {
  api: Api;
  place: Place;
  /** Aborts when the view is left. */
  signal: AbortSignal;
  /** Which volsets moved, of all that the bearer may read; `status` of the feed is shown by the shell. */
  store: StoreLive;
  /** Follows one volset from here on, until the view is left; the shell then shows the status of that feed. */
  follow(volset: string): VolsetLive;
  /** They go on when the view is left. To be called by a click. */
  downloads: { start(wanted: Wanted): void };
  /** Replaces what stands in the address, without a new entry in the history. */
  redirect(hash: string): void;
}

export interface View {
  /** Of the document, and of the heading that takes the focus. */
  title: string;
  node: HTMLElement;
}

/** Throws (PlaitError) what the shell shows in its place. */
export type ViewMaker = (context: ViewContext) => Promise<View>;

export type { LiveStatus };
