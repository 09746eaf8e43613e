/** How the engine tells what it is doing. Implementations decide what of it is shown, where and how often. */
import type { PathKey } from './paths.ts';

export interface PhaseTotals {
  /** Number of things (files, snapshots) that are to be done, if known. */
  items?: number;
  /** Bytes that are to be moved, if known. */
  bytes?: number;
}

export interface Phase {
  /** Totals that became known, or grew, on the way. */
  total(totals: PhaseTotals): void;
  /** What has been done since the last call; `totalBytes` is the whole phase's, as known by now. Cheap enough per file. */
  advance(step: { items?: number; bytes?: number; totalBytes?: number; path?: PathKey }): void;
  /** Ends the phase; `summary` replaces its line. */
  end(summary?: string): void;
}

export interface Reporter {
  phase(title: string, totals?: PhaseTotals): Phase;
  /** Something worth knowing that is not part of the result. */
  note(text: string): void;
  warn(text: string): void;
}

const silentPhase: Phase = { total() {}, advance() {}, end() {} };
export const silentReporter: Reporter = { phase: () => silentPhase, note() {}, warn() {} };
