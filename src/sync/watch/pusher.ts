/**
 * Pushes beside the watcher. What is to be sent lies in the transfer queue before the remote is asked, so a remote that
 * is down, or a process that dies, delays it and loses nothing.
 */
import { type BackOffBounds, jittered } from '../../core/back-off.ts';
import { PlaitError } from '../../core/errors.ts';
import { DEFAULT_MAX_DELETE } from '../../core/guards.ts';
import { chanceOf, type Engine, type Outcome } from '../engine.ts';
import { enqueueOnly } from '../enqueue.ts';
import { queueCount } from '../queue.ts';
import { remoteByName } from '../remotes.ts';
import { replicate } from '../replicate.ts';
import type { LineUse, ReplicateOptions } from '../replicate-options.ts';
import type { SyncResult } from '../results.ts';
import type { WatchNews } from './events.ts';
import { ToldProblems } from './told.ts';
import { Wake } from './wake.ts';

const PUSH_BACK_OFF: BackOffBounds = { firstMs: 1000, longestMs: 30_000 };
/** After a refusal that will hardly change by itself: a token that was revoked, another store under the address. */
const LASTING_MS = 300_000;
/** With nothing to send: that the way there still stands is worth knowing before it is needed. */
const IDLE_MS = 3_600_000;

export interface PusherOptions {
  remote: string;
  line?: LineUse;
  backOff?: BackOffBounds;
  emit: (news: WatchNews, object: string) => Promise<void>;
}

export class Pusher {
  readonly #engine: Engine;
  readonly #options: PusherOptions;
  readonly #replicate: ReplicateOptions;
  readonly #told = new ToldProblems();
  readonly #wake = new Wake();
  #wanted = true;
  #attempts = 0;
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine, options: PusherOptions) {
    this.#engine = engine;
    this.#options = options;
    const { line } = options;
    this.#replicate = { selection: {}, dryRun: false, maxDelete: DEFAULT_MAX_DELETE, failIfUnchanged: false, ...line };
  }

  /** Puts what the remote lacks, as far as we know, into the queue, and pushes soon. Throws where that can never be. */
  enqueue(): void {
    enqueueOnly(this.#engine, remoteByName(this.#engine, this.#options.remote), this.#replicate);
    this.#wanted = true;
    this.#wake.now();
  }

  /** The same later on: that a remote was removed meanwhile does not end the watch. */
  async made(): Promise<void> {
    try {
      this.enqueue();
    } catch (error) {
      if (!(error instanceof PlaitError)) throw error;
      await this.#failed(error, LASTING_MS);
    }
  }

  /** Nothing has changed: the remote is asked now and then all the same. */
  idle(): void {
    if (performance.now() - this.#triedAt < IDLE_MS) return;
    this.#wanted = true;
    this.#wake.now();
  }

  /** Until the engine's signal; rejects only where telling fails. */
  async run(): Promise<void> {
    const { signal } = this.#engine;
    while (!signal.aborted) {
      if (!this.#wanted) {
        await this.#wake.after(undefined, signal);
        continue;
      }
      this.#wanted = false;
      const retryInMs = await this.#push();
      if (retryInMs === undefined) continue;
      this.#wanted = true;
      // A new snapshot is no reason to ask earlier: the back-off is for the remote's sake.
      await this.#pause(retryInMs);
    }
  }

  async #pause(ms: number): Promise<void> {
    const end = performance.now() + ms;
    for (let left = ms; left > 0 && !this.#engine.signal.aborted; left = end - performance.now()) {
      await this.#wake.after(left, this.#engine.signal);
    }
  }

  /** Milliseconds until it is to be tried again; undefined: done. */
  async #push(): Promise<number | undefined> {
    const { remote } = this.#options;
    this.#triedAt = performance.now();
    try {
      const pushed = await replicate(this.#engine, 'push', remoteByName(this.#engine, remote), this.#replicate);
      return await this.#pushed(pushed);
    } catch (error) {
      if (this.#engine.signal.aborted) return undefined;
      if (!(error instanceof PlaitError)) throw error;
      const retryInMs = error.retryable ? this.#backOff() : LASTING_MS;
      await this.#failed(error, retryInMs);
      return retryInMs;
    }
  }

  #backOff(): number {
    return Math.round(jittered(this.#attempts++, chanceOf(this.#engine.world), this.#options.backOff ?? PUSH_BACK_OFF));
  }

  async #failed(error: PlaitError, retryInMs: number): Promise<void> {
    const { code, message, hint } = error;
    const { remote, emit } = this.#options;
    // The system has many words for a hub that is down.
    if (!this.#told.isNews('push', error.retryable ? code : `${code} ${message}`)) return;
    const queued = queueCount(this.#engine.meta, { remote }).waiting;
    const news = { event: 'push-failed', type: 'problem', remote, code, message, queued, retryInMs } as const;
    await emit({ ...news, ...(hint !== undefined && { hint }) }, `remote:${remote}`);
  }

  async #pushed({ result, exits }: Outcome<SyncResult>): Promise<number | undefined> {
    const { remote, emit } = this.#options;
    const recovered = this.#attempts > 0;
    this.#attempts = 0;
    const { snapshots, bytes } = result.pushed;
    if (snapshots > 0 || recovered) {
      const { durationMs } = result;
      await emit({ event: 'pushed', type: 'updated', remote, snapshots, bytes, durationMs }, `remote:${remote}`);
    }
    await this.#tellDiverged(result);
    await this.#tellProblems(result);
    // A remote without room may have some later.
    if (exits.includes(15)) return LASTING_MS;
    this.#told.isNews('push', undefined);
    return undefined;
  }

  async #tellDiverged({ diverged }: SyncResult): Promise<void> {
    const { remote, emit } = this.#options;
    const text = diverged.map(({ branch, target }) => `${branch} ${target}`).join('\n');
    if (!this.#told.isNews('diverged', text || undefined)) return;
    for (const { branch } of diverged) {
      const message = `${branch} has diverged: ${remote} has another line, and ours is kept there as data only`;
      const hint = `join them with \`plait pull ${remote}\` and \`plait merge ${remote}/${branch}\`, or push ours with \`plait push ${remote} --as NAME\``;
      await emit({ event: 'problem', type: 'problem', code: 'diverged', message, hint }, `branch:${branch}`);
    }
  }

  async #tellProblems({ problems }: SyncResult): Promise<void> {
    const { emit, remote } = this.#options;
    for (const { what, message, snapshot } of this.#told.news(problems).rows) {
      const object = snapshot === undefined ? `remote:${remote}` : `snapshot:${snapshot}`;
      await emit({ event: 'problem', type: 'problem', what, message }, object);
    }
  }
}
