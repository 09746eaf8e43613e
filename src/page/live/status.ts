/**
 * How far a live view is; words of core/watermark, `lost` while the feed is to be opened again, and `paused` where nobody
 * looks.
 */
export type LiveStatus =
  | { status: 'waiting' }
  | { status: 'resync' }
  | { status: 'in-sync'; revision?: number }
  | { status: 'paused' }
  | { status: 'lost'; why: string; retryAt: number };

export interface Live {
  readonly status: LiveStatus;
  /** Called at each change of status, until `signal` aborts. */
  onStatus(listener: () => void, signal: AbortSignal): void;
}
