/**
 * Fetches snapshots' data from a peer: requests in one round trip, then verified streams per transfer. What is cut goes
 * on where it was, in this run or the next: all that came whole lies in quarantine, and the peer is told of it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { BlobReceiver } from '../blob/contract.ts';
import { type BackOffBounds, jittered } from '../core/back-off.ts';
import { PlaitError } from '../core/errors.ts';
import { installOf, type SnapshotId } from '../core/ids.ts';
import type { Declined, Transfer, Want, WantAnswer } from '../core/peer.ts';
import { MAX_SHARES } from '../wire/limits.ts';
import { TRANSFER_LIMITS } from './diff-format.ts';
import { downloadStreams } from './download-streams.ts';
import {
  byTransfer,
  type ClientOptions,
  candidatesFor,
  checkAnswers,
  completeRoot,
  inBatches,
  oldestFirst,
  PER_REQUEST,
  refusalOf,
  tipsHere,
} from './negotiation.ts';
import { openOwnQuarantine, tellHeld } from './own-quarantine.ts';
import type { TransferStep } from './send.ts';
import { SharedReceiver } from './shared-receiver.ts';

export interface DownloadOptions extends ClientOptions {
  /** Failures in a row that bring nothing, before it gives up; default 4. */
  retries?: number;
  /** Waits before a try, milliseconds. */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** In [0, 1), for the jitter of waits. */
  random?: () => number;
}

export interface Downloaded {
  /** Now complete here because of this call. */
  received: SnapshotId[];
  /** Were complete here. */
  held: SnapshotId[];
  /** The peer has no data of them. */
  absent: SnapshotId[];
  declined: Pick<Declined, 'id' | 'reason' | 'code'>[];
  /** Chunks that they newly refer to. */
  chunks: number;
  /** Encoded bytes received. */
  bytes: number;
}

type Available = Extract<WantAnswer, { answer: 'available' }>;

const RETRIES = 4;
/** Unless told otherwise: each stream costs the peer a walk over the whole tree. */
const PARALLEL = 2;
/** Less than this is not worth a second connection. */
const BYTES_PER_STREAM = 16 * 1024 * 1024;
/** A block may bring as much again as is wanted of it; manifests are not counted in a snapshot's bytes. */
const SLACK_BYTES = 4 * 1024 ** 3;
const WAITS: BackOffBounds = { firstMs: 250, longestMs: 15_000 };

/** Their metadata must be here. @throws `not-found`, `protocol`, `integrity`; errors of the peer. What was whole stays. */
export async function downloadSnapshots(options: DownloadOptions): Promise<Downloaded> {
  const { meta, volset } = options;
  const all = oldestFirst(meta, volset, options.snapshots);
  const lacking = all.filter((id) => completeRoot(meta, volset, id) === undefined);
  const wanted = new Set(lacking);
  const download = new Download(options);
  download.done.held = all.filter((id) => !wanted.has(id));
  try {
    for (const batch of inBatches(lacking, PER_REQUEST)) await download.batch(batch);
  } catch (error) {
    await download.leave(error);
    throw error;
  }
  await download.leave();
  return download.done;
}

class Download {
  readonly done: Downloaded = { received: [], held: [], absent: [], declined: [], chunks: 0, bytes: 0 };
  readonly #options: DownloadOptions;
  #receiver: BlobReceiver | undefined;
  /** Deltas are sent, and what we hold is left out, until that leads to something missing. */
  #plain = false;
  #tell = true;
  /** One stream: shares are dealt out by where objects lie, which gc at the peer may change between them. */
  #single = false;
  /** No bases any more: what the metadata says of one may not be true of the data. */
  #whole = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  /** Until all of them have come or the peer does not give them. */
  async batch(ids: SnapshotId[]): Promise<void> {
    const { retries = RETRIES, signal } = this.#options;
    let failures = 0;
    for (let left = ids; left.length > 0; left = this.#open(left)) {
      signal?.throwIfAborted();
      const before = this.#mark();
      try {
        await this.#once(left);
      } catch (error) {
        const gotOn = this.#mark() !== before;
        if (!(isRetryable(error) || (gotOn && isStale(error))) || signal?.aborted) throw error;
        failures = gotOn ? 0 : failures + 1;
        if (failures > retries) throw error;
        await this.#pause(failures);
      }
    }
  }

  /** What was not published is removed after success, and where it would fill the disk or was refused. */
  async leave(error?: unknown): Promise<void> {
    const useless = error instanceof PlaitError && (error.code === 'no-space' || error.data?.refused !== undefined);
    if (error === undefined || useless) await this.#receiver?.[Symbol.asyncDispose]();
    else await this.#receiver?.suspend();
  }

  /** Those of which nothing is known yet. */
  #open(ids: SnapshotId[]): SnapshotId[] {
    const { absent, declined } = this.done;
    const settled = new Set([...absent, ...declined.map(({ id }) => id)]);
    return ids.filter((id) => !settled.has(id) && !this.#isComplete(id));
  }

  #isComplete(id: SnapshotId): boolean {
    return completeRoot(this.#options.meta, this.#options.volset, id) !== undefined;
  }

  /** Changes when something has come. */
  #mark(): string {
    return `${this.done.received.length} ${this.#receiver?.bytes ?? 0}`;
  }

  async #pause(failures: number): Promise<void> {
    const { wait = waitFor, random = Math.random, signal } = this.#options;
    await wait(Math.round(jittered(failures, random, WAITS)), signal);
  }

  async #once(ids: SnapshotId[]): Promise<void> {
    const { peer, volset } = this.#options;
    const wants = this.#wantsOf(ids);
    const available: Available[] = [];
    for (const answer of checkAnswers(wants, await peer.request(volset, wants))) {
      if (answer.answer === 'absent') this.done.absent.push(answer.id);
      else if (answer.answer === 'declined') this.done.declined.push(refusalOf(answer));
      else available.push(answer);
    }
    for (const { transfer, items } of byTransfer(available)) await this.#fetch(transfer, items);
  }

  #wantsOf(ids: SnapshotId[]): Want[] {
    const earlier = new Set<SnapshotId>();
    return ids.map((id) => {
      const want: Want = { id, baseCandidates: this.#whole ? [] : this.#basesOf(id, earlier) };
      earlier.add(id);
      return this.#plain ? { ...want, plain: true } : want;
    });
  }

  #basesOf(id: SnapshotId, earlier: Set<SnapshotId>): SnapshotId[] {
    const { meta, volset } = this.#options;
    const ancestors = candidatesFor(meta, volset, id, earlier);
    return ancestors.length > 0 ? ancestors : tipsHere(meta, volset);
  }

  async #fetch(transfer: Transfer, items: Available[]): Promise<void> {
    const { peer, blob, volset, meta } = this.#options;
    const { identity } = peer;
    if (identity === undefined) throw new PlaitError('protocol', 'the peer has not said who it is');
    const from = installOf(identity);
    this.#receiver ??= await openOwnQuarantine(blob, volset, from);
    const told = this.#tell && (await tellHeld(peer, transfer, this.#receiver));
    const incomplete: PlaitError[] = [];
    let lacking = 0;
    const of = this.#streams(items);
    await downloadStreams({
      ...this.#options,
      transfer,
      receiver: new SharedReceiver(this.#receiver),
      expected: new Set(items.map(({ id }) => id)),
      limits: { ...TRANSFER_LIMITS, total: this.#most(items) },
      of,
      commit: (ids) => {
        meta.setBlobs(volset, ids, { from });
        this.done.received.push(...ids);
      },
      onLacking: (refs) => {
        lacking += refs.length;
      },
      onIncomplete: (_, error) => incomplete.push(error),
      onProgress: (step) => this.#step(step),
    });
    const based = items.some(({ base }) => base !== null);
    if (incomplete.length > 0)
      this.#askDifferently(incomplete[0], { lacking: lacking > 0, told, based, shared: of > 1 });
    else if (items.some(({ id }) => !this.#isComplete(id)))
      throw new PlaitError('protocol', 'the peer sent less than it had announced');
  }

  /** Each of these is tried once; what then is still missing, the peer did not send. */
  #askDifferently(
    error: PlaitError,
    { lacking, told, based, shared }: { lacking: boolean; told: boolean; based: boolean; shared: boolean },
  ): void {
    if (lacking && !this.#plain) this.#plain = true;
    else if (shared) this.#single = true;
    else if (told) {
      this.#tell = false;
      this.#plain = true;
    } else if (based && !this.#whole) {
      this.#whole = true;
      this.#plain = true;
    } else throw error;
  }

  #step(step: TransferStep): void {
    this.done.chunks += step.chunks ?? 0;
    this.done.bytes += step.bytes ?? 0;
    this.#options.onProgress?.(step);
  }

  /** Bytes that it can be at most: a peer that lies does not fill the disk without end. */
  #most(items: Available[]): number {
    const { meta, volset } = this.#options;
    const bytes = items.reduce((sum, { id }) => sum + (meta.findSnapshot(volset, id)?.body.bytes ?? 0), 0);
    return bytes * 2 + SLACK_BYTES;
  }

  #streams(items: Available[]): number {
    const { parallel = PARALLEL } = this.#options;
    if (this.#single) return 1;
    // Beside a base, most of a snapshot does not come.
    const whole = items.reduce((sum, { base, bytes }) => (base === null ? sum + bytes : sum), 0);
    return Math.max(1, Math.min(parallel, MAX_SHARES, Math.floor(whole / BYTES_PER_STREAM)));
  }
}

const isRetryable = (error: unknown): boolean => error instanceof PlaitError && error.retryable;

/** The token has expired, or the peer has forgotten the transfer; where it is us whom it refuses, the next request says so. */
const isStale = (error: unknown): boolean =>
  error instanceof PlaitError && (error.code === 'forbidden' || error.code === 'not-found');

async function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal && { signal }).catch((error) => {
    throw signal?.reason instanceof Error ? signal.reason : error;
  });
}
