/**
 * `plait watch`: changes of the working directory become snapshots. Events of the file system only say when to look;
 * what is looked at, and whether there is anything to save, is decided by an ordinary snapshot against the stat cache.
 * So nothing is missed that changed while nobody watched, and a directory that another command moved gives no snapshot.
 */
import { type BackOffBounds, jittered } from '../../core/back-off.ts';
import { codeOfErrno, PlaitError } from '../../core/errors.ts';
import { type PathKey, ROOT } from '../../core/paths.ts';
import type { Volume } from '../../volume/contract.ts';
import { TreeWatcher, type WatchDirectory } from '../../volume/index.ts';
import { chanceOf, currentVolset, type Engine, type Outcome, requireVolume } from '../engine.ts';
import { type Bracket, findBracket, isoOf, lockFileOf, showBracket } from '../hold-brackets.ts';
import { tryWatchLock } from '../hold-lock.ts';
import { requirePlace } from '../place.ts';
import type { LineUse } from '../replicate-options.ts';
import type { SnapshotResult } from '../results.ts';
import { snapshotUnlessHeld } from '../snapshot.ts';
import type { WatchEvent } from './events.ts';
import { Pusher } from './pusher.ts';
import { Schedule } from './schedule.ts';
import { Teller } from './teller.ts';
import { Wake } from './wake.ts';

export interface WatchOptions {
  pushTo?: string;
  /** Of the pushes. */
  line?: LineUse;
  /** See Schedule. */
  quietMs?: number;
  maxDelayMs?: number;
  rescanMs?: number;
  /** Share of the base's files that may be gone, 0..1. */
  maxDelete: number;
  /** A lock file that has kept snapshots away for longer is told as a problem. */
  staleMs?: number;
  /** For tests. */
  backOff?: BackOffBounds;
  watchDirectory?: WatchDirectory;
}

const QUIET_MS = 2000;
const MAX_DELAY_MS = 60_000;
const RESCAN_MS = 300_000;
const STALE_MS = 3_600_000;
/** How often it is asked whether an application has done writing. */
const HELD_POLL_MS = 200;
/** How often it is asked whether the directory is still there: not every way to lose it tells. */
const PLACE_MS = 10_000;
const BACK_OFF: BackOffBounds = { firstMs: 1000, longestMs: 60_000 };

/** Until the engine's signal. Throws where it cannot go on: another watcher, no branch, the directory is gone. */
export async function watch(
  engine: Engine,
  options: WatchOptions,
  emit: (event: WatchEvent) => Promise<void>,
): Promise<void> {
  const volume = requireVolume(engine);
  const lock = tryWatchLock(volume);
  if (!lock) {
    throw new PlaitError('busy', `${volume.state.dir} is being watched already`, {
      hint: 'one `plait watch` a directory: end the other one first',
    });
  }
  try {
    await watchLocked(engine, volume, options, emit);
  } finally {
    lock.release();
  }
}

async function watchLocked(
  given: Engine,
  volume: Volume,
  options: WatchOptions,
  emit: (event: WatchEvent) => Promise<void>,
): Promise<void> {
  // Either of the two that fails ends the other.
  const stop = new AbortController();
  const engine = { ...given, signal: AbortSignal.any([given.signal, stop.signal]) };
  lockFileOf(engine, volume);
  currentVolset(engine);
  requireBranch(engine, volume);
  const teller = new Teller(engine, volume, emit);
  const { pushTo, line, backOff } = options;
  const pusher =
    pushTo === undefined
      ? undefined
      : new Pusher(engine, { remote: pushTo, line, backOff, emit: (news, object) => teller.tell(news, object) });
  pusher?.enqueue();
  using watcher = new Watcher(engine, volume, options, teller, pusher);
  const endBoth = (error: unknown): never => {
    stop.abort(error);
    throw error;
  };
  const done = await Promise.allSettled([watcher.run().catch(endBoth), pusher?.run().catch(endBoth)]);
  for (const one of done) if (one.status === 'rejected' && !given.signal.aborted) throw one.reason;
}

class Watcher implements Disposable {
  readonly #engine: Engine;
  readonly #volume: Volume;
  readonly #options: WatchOptions;
  readonly #teller: Teller;
  readonly #pusher: Pusher | undefined;
  readonly #schedule: Schedule;
  readonly #wake = new Wake();
  readonly #tree: TreeWatcher;
  #news: PathKey | undefined;
  #failures = 0;
  #heldSince: number | undefined;

  constructor(engine: Engine, volume: Volume, options: WatchOptions, teller: Teller, pusher: Pusher | undefined) {
    this.#engine = engine;
    this.#volume = volume;
    this.#options = options;
    this.#teller = teller;
    this.#pusher = pusher;
    const { quietMs = QUIET_MS, maxDelayMs = MAX_DELAY_MS, rescanMs = RESCAN_MS } = options;
    this.#schedule = new Schedule({ quietMs, maxDelayMs, rescanMs }, performance.now());
    this.#tree = new TreeWatcher({ onChange: (path) => this.#changed(path), watch: options.watchDirectory });
  }

  [Symbol.dispose](): void {
    this.#tree[Symbol.dispose]();
  }

  async run(): Promise<void> {
    const { signal } = this.#engine;
    const { dir } = this.#volume.state;
    const pushTo = this.#options.pushTo ?? null;
    await this.#teller.tell({ event: 'watching', type: 'status', dir, pushTo });
    while (!signal.aborted) {
      await this.#requirePlace();
      await this.#tellChange();
      const wait = this.#schedule.due() - performance.now();
      if (wait > 0) await this.#wake.after(Math.min(wait, PLACE_MS), signal);
      else await this.#look();
    }
  }

  async #requirePlace(): Promise<void> {
    try {
      requirePlace(this.#volume);
    } catch (error) {
      const { code, message, hint } = asFailure(error);
      await this.#teller.problem('place', message, { code, hint });
      throw error;
    }
  }

  #changed(path: PathKey): void {
    // Later ones only put off what is waited for.
    if (!this.#schedule.changed(performance.now()) && path !== ROOT) return;
    this.#news ??= path;
    this.#wake.now();
  }

  async #tellChange(): Promise<void> {
    const path = this.#news;
    this.#news = undefined;
    if (path !== undefined) await this.#teller.changed(path);
  }

  async #look(): Promise<void> {
    this.#schedule.begin(performance.now());
    this.#news = undefined;
    this.#tree.begin();
    const made = await this.#tryLook();
    if (made === undefined) return;
    if ('held' in made) await this.#held(made.held);
    else await this.#looked(made);
  }

  async #tryLook(): Promise<Awaited<ReturnType<typeof snapshotUnlessHeld>> | undefined> {
    const { maxDelete } = this.#options;
    try {
      return await snapshotUnlessHeld(this.#engine, { skipUnchanged: true, maxDelete, observer: this.#tree });
    } catch (error) {
      await this.#failed(error);
      return undefined;
    }
  }

  #ended(): void {
    this.#failures = 0;
    this.#tree.end();
    this.#schedule.ended(performance.now(), { blind: this.#tree.limit !== undefined });
  }

  async #looked(made: Outcome<SnapshotResult>): Promise<void> {
    this.#ended();
    this.#heldSince = undefined;
    const { result } = made;
    if (result.problems.some(({ what }) => what === 'changed-while-read')) this.#schedule.unfinished(performance.now());
    if (result.created) {
      await this.#pusher?.made();
      await this.#teller.snapshot(result);
    } else {
      this.#pusher?.idle();
    }
    await this.#teller.allWell(result.problems, this.#tree.limit);
  }

  /** The changes wait; a bracket that has ended is noticed by asking, as it is nothing that happens in the directory. */
  async #held(bracket: Bracket): Promise<void> {
    this.#schedule.failed(performance.now(), { afterMs: HELD_POLL_MS });
    const { signal } = this.#engine;
    this.#heldSince ??= performance.now();
    const end = this.#heldSince + (this.#options.staleMs ?? STALE_MS);
    await this.#teller.held(bracket, isoOf(bracket.until));
    for (
      let now: Bracket | undefined = bracket;
      now && !signal.aborted;
      now = findBracket(this.#engine, this.#volume)
    ) {
      await this.#requirePlace();
      if (now.by === 'lock-file' && performance.now() > end) {
        await this.#teller.problem(
          'held',
          `${showBracket(now)}, or comes back before all is read: no snapshot for long`,
        );
      }
      await this.#wake.after(HELD_POLL_MS, signal);
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#engine.signal.aborted) return;
    await this.#requirePlace();
    const failure = asFailure(error);
    const { code, message, hint } = failure;
    if (code === 'guard') {
      // What would be deleted is for the user to decide; asking again without a change asks the same.
      this.#ended();
      await this.#teller.problem('look', message, { code, hint });
      return;
    }
    const afterMs = Math.round(
      jittered(this.#failures++, chanceOf(this.#engine.world), this.#options.backOff ?? BACK_OFF),
    );
    this.#schedule.failed(performance.now(), { afterMs });
    if (code === 'busy') await this.#teller.waiting(afterMs, { code, message });
    else await this.#teller.problem('look', message, { code, hint });
  }
}

/** Snapshots need a branch to go to. Later a checkout may leave it; that is a problem then, not the end. */
function requireBranch({ meta }: Engine, { state: { branch, volset } }: Volume): void {
  if (branch !== null && meta.findBranch(volset, branch)) return;
  const why = branch === null ? 'is on no branch (detached)' : 'is on a branch that was deleted';
  throw new PlaitError('usage', `this working directory ${why}: there is nowhere to put snapshots`, {
    hint: 'start a branch with `plait snapshot -b NAME`, or go to one with `plait checkout BRANCH`',
  });
}

/** What the system or another command is to blame for can pass; anything else is a fault of ours and ends the watch. */
function asFailure(error: unknown): PlaitError {
  if (error instanceof PlaitError) return error;
  const errno = (error as NodeJS.ErrnoException | undefined)?.code;
  const code = codeOfErrno(errno) ?? (errno === 'ENOENT' || errno === 'ENOTDIR' ? 'io' : undefined);
  if (code === undefined) throw error;
  return new PlaitError(code, (error as Error).message, { cause: error });
}
