/**
 * Uploads that a hub is taking in: one receiver per upload id, opened by the first request that needs it (after a restart
 * as well, for the token names it), shared by parts in flight, suspended when nobody has used it for a while, removed
 * when nothing is left to come or it cannot go on.
 */
import type { BlobReceiver, BlobStore } from '../blob/contract.ts';
import { type ErrorCode, PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { TransferClaims } from '../wire/transfer-service.ts';
import { SharedReceiver } from './shared-receiver.ts';

export interface UploadsOptions {
  blob: Pick<BlobStore, 'receiver'>;
  /** Those of `ids` whose blob is not complete here. */
  incomplete: (volset: VolsetId, ids: SnapshotId[]) => Promise<SnapshotId[]>;
  /** It is suspended, so that nothing is coming at the moment, or removed, so that nothing is left to come. */
  onEnd?: (uploadId: string, how: 'suspend' | 'remove') => void;
  /** Nobody waits for what an idle upload fails with. */
  onFailure?: (error: unknown) => void;
  idleMs?: number;
  /** Receivers open at once; each takes files and a few megabytes. */
  maxOpen?: number;
  timer?: Timer;
}

/** Calls once after so many milliseconds; the result cancels it. */
export type Timer = (ms: number, run: () => void) => () => void;

const IDLE_MS = 60_000;
const MAX_OPEN = 256;
const MAX_PARTS = 32;
/** Uploads that were refused, of which parts may still be on their way. */
const MAX_REFUSED = 1000;

const unrefTimer: Timer = (ms, run) => {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
};

/** Faults of a stream or its sender: what came whole stays, for another try. */
const KEPT: ReadonlySet<ErrorCode> = new Set([
  'protocol',
  'format',
  'integrity',
  'network',
  'deadline',
  'interrupted',
  'forbidden',
]);

export class Upload {
  readonly id: string;
  readonly volset: VolsetId;
  readonly owner: string;
  readonly receiver: SharedReceiver;
  /** Encoded bytes that came since it was opened. */
  came = 0;
  /** Stored bytes of it that its bearer was charged with. */
  charged = 0;
  readonly #held: BlobReceiver;
  readonly #before: number;

  constructor({ uploadId, volset, owner }: TransferClaims, receiver: BlobReceiver) {
    this.id = uploadId;
    this.volset = volset;
    this.owner = owner;
    this.receiver = new SharedReceiver(receiver);
    this.#held = receiver;
    this.#before = receiver.bytes;
  }

  /** In quarantine now. */
  get bytes(): number {
    return this.#held.bytes;
  }

  /** Of what was announced, this much need not be kept room for any more. */
  get done(): number {
    return this.#before + this.came;
  }
}

interface Entry {
  claims: TransferClaims;
  opening: Promise<void>;
  upload: Upload | undefined;
  held: BlobReceiver | undefined;
  users: number;
  /** What requests have named it for. */
  wanted: Set<SnapshotId>;
  /** Some of `wanted` may be complete since we looked. */
  news: boolean;
  cancelTimer: (() => void) | undefined;
  /** As soon as nobody uses it; `reason`: what all who use it are told. */
  end: { how: 'suspend' } | { how: 'remove'; reason: PlaitError } | undefined;
  closing: Promise<void> | undefined;
  /** Resolved when it is suspended or removed. */
  gone: PromiseWithResolvers<void>;
  lastUsed: number;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  /** A part that comes late must not begin a refused upload anew and leave its bytes behind. */
  readonly #refused = new Map<string, PlaitError>();
  #clock = 0;
  #closed = false;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#entries.size;
  }

  find(uploadId: string): Upload | undefined {
    return this.#entries.get(uploadId)?.upload;
  }

  /** Open ones of this owner and volset that nobody uses at the moment; last used first. */
  idle(volset: VolsetId, owner: string): string[] {
    return [...this.#entries.values()]
      .filter((entry) => isIdle(entry) && entry.claims.volset === volset && entry.claims.owner === owner)
      .sort((a, b) => b.lastUsed - a.lastUsed)
      .map(({ claims }) => claims.uploadId);
  }

  *all(): Generator<Upload> {
    for (const { upload } of this.#entries.values()) if (upload) yield upload;
  }

  /** Something of it became complete. */
  published(uploadId: string): void {
    const entry = this.#entries.get(uploadId);
    if (entry) entry.news = true;
  }

  /** Runs `work` on the open upload. @throws `busy`; errors of opening; the reason for which it was removed meanwhile */
  async use<T>(claims: TransferClaims, work: (upload: Upload) => Promise<T>): Promise<T> {
    const entry = await this.#enter(claims);
    try {
      const result = await work(entry.upload as Upload);
      if (entry.end?.how === 'remove') throw entry.end.reason;
      return result;
    } catch (error) {
      entry.end ??= endAfter(error);
      throw error;
    } finally {
      await this.#leave(entry);
    }
  }

  /** Suspends all of them, each when the requests that use it have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    for (const entry of [...this.#entries.values()]) {
      entry.end ??= { how: 'suspend' };
      await (entry.users > 0 ? entry.gone.promise : this.#end(entry, 'suspend'));
    }
  }

  async #enter(claims: TransferClaims): Promise<Entry> {
    for (;;) {
      if (this.#closed) throw new PlaitError('busy', 'the hub is stopping');
      const refused = this.#refused.get(claims.uploadId);
      if (refused) throw refused;
      const entry = this.#entries.get(claims.uploadId);
      if (entry?.closing) await entry.closing;
      else if (entry) return await this.#join(entry, claims);
      else if (this.#entries.size < (this.#options.maxOpen ?? MAX_OPEN))
        return await this.#join(this.#add(claims), claims);
      else await this.#makeRoom();
    }
  }

  #add(claims: TransferClaims): Entry {
    const entry: Entry = {
      claims,
      opening: Promise.resolve(),
      upload: undefined,
      held: undefined,
      users: 0,
      wanted: new Set(),
      news: true,
      cancelTimer: undefined,
      end: undefined,
      closing: undefined,
      gone: Promise.withResolvers(),
      lastUsed: 0,
    };
    this.#entries.set(claims.uploadId, entry);
    entry.opening = this.#open(entry);
    return entry;
  }

  async #open(entry: Entry): Promise<void> {
    const { volset, uploadId, owner } = entry.claims;
    entry.held = await this.#options.blob.receiver(volset, uploadId, owner);
    entry.upload = new Upload(entry.claims, entry.held);
  }

  async #join(entry: Entry, { volset, owner, snapshots }: TransferClaims): Promise<Entry> {
    if (entry.claims.volset !== volset || entry.claims.owner !== owner)
      throw new PlaitError('forbidden', 'this upload is another one');
    if (entry.end?.how === 'remove') throw entry.end.reason;
    if (entry.users >= MAX_PARTS) throw new PlaitError('busy', 'too many parts of this upload are on their way');
    entry.users++;
    entry.cancelTimer?.();
    for (const id of snapshots) entry.wanted.add(id);
    try {
      await entry.opening;
      return entry;
    } catch (error) {
      entry.users--;
      if (this.#entries.get(entry.claims.uploadId) === entry) this.#forget(entry, 'suspend');
      throw error;
    }
  }

  async #leave(entry: Entry): Promise<void> {
    if (--entry.users > 0) return;
    if (entry.end) return this.#end(entry, entry.end.how);
    const done = entry.news && entry.wanted.size > 0 && (await this.#isDone(entry));
    if (entry.users > 0 || entry.closing) return;
    if (done && !entry.news) return this.#end(entry, 'remove');
    this.#rest(entry);
  }

  async #isDone(entry: Entry): Promise<boolean> {
    const { incomplete, onFailure } = this.#options;
    entry.news = false;
    try {
      return (await incomplete(entry.claims.volset, [...entry.wanted])).length === 0;
    } catch (error) {
      // What the request did holds all the same; the upload is suspended in time.
      onFailure?.(error);
      return false;
    }
  }

  #rest(entry: Entry): void {
    const { idleMs = IDLE_MS, timer = unrefTimer, onFailure } = this.#options;
    entry.lastUsed = ++this.#clock;
    entry.cancelTimer?.();
    entry.cancelTimer = timer(idleMs, () => {
      this.#end(entry, 'suspend').catch((error) => onFailure?.(error));
    });
    this.#wake();
  }

  /** Until one of those that wait may have a place. */
  async #makeRoom(): Promise<void> {
    const [oldest] = [...this.#entries.values()].filter(isIdle).sort((a, b) => a.lastUsed - b.lastUsed);
    if (oldest) await this.#end(oldest, 'suspend');
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #end(entry: Entry, how: 'suspend' | 'remove'): Promise<void> {
    entry.cancelTimer?.();
    entry.closing ??= (async () => {
      try {
        await entry.opening;
        if (how === 'suspend') await entry.held?.suspend();
        else await entry.held?.[Symbol.asyncDispose]();
      } finally {
        this.#forget(entry, how);
      }
    })();
    return entry.closing;
  }

  #forget({ claims, gone, end }: Entry, how: 'suspend' | 'remove'): void {
    this.#entries.delete(claims.uploadId);
    if (end?.how === 'remove') this.#refuse(claims.uploadId, end.reason);
    gone.resolve();
    this.#options.onEnd?.(claims.uploadId, how);
    this.#wake();
  }

  #refuse(uploadId: string, reason: PlaitError): void {
    this.#refused.set(uploadId, reason);
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= MAX_REFUSED) return;
      this.#refused.delete(oldest);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

const isIdle = ({ users, closing, upload }: Entry): boolean =>
  users === 0 && closing === undefined && upload !== undefined;

function endAfter(error: unknown): Entry['end'] {
  if (!(error instanceof PlaitError)) return { how: 'suspend' };
  const { code, data } = error;
  if (code === 'no-space' || code === 'quota' || data?.refused !== undefined) return { how: 'remove', reason: error };
  // Whatever else it was, the receiver may not be good any more: the next part opens it anew.
  return KEPT.has(code) ? undefined : { how: 'suspend' };
}
