/** Extract: contents in packs become files, on all cores, each block read once where possible. */
import type { Content, Extent } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import type { FileResult, FileTarget } from '../../core/files.ts';
import type { PathKey } from '../../core/paths.ts';
import { type PlacedFile, Placer } from '../../disk/place.ts';
import { isGone } from './block-cache.ts';
import { absent, PlacedBuilder, type Planned, plan, wrongSize } from './extract-plan.ts';
import type { Locator } from './extract-types.ts';
import { errnoOf } from './failure.ts';
import { throwIfAborted } from './ingest.ts';
import { InlineRunner } from './inline.ts';
import { BYTES_IN_FLIGHT, INLINE_BYTES, INLINE_FILES, RANGE, TASKS_PER_WORKER } from './limits.ts';
import type { Runner } from './protocol.ts';
import { newSession } from './session-number.ts';
import { Slots } from './slots.ts';
import { StatColumns } from './stat-columns.ts';

export interface ExtractOptions {
  runner: Runner;
  root: string;
  /** Absolute, on the file system of `root`. */
  tempDir: string;
  targets: Iterable<FileTarget>;
  /** A file's extents, whichever way its content is stored. */
  extents: (content: Content) => Iterable<Extent>;
  locator: Locator;
  signal?: AbortSignal;
  onProgress?: (progress: { files: number; bytes: number; path?: PathKey }) => void;
}

/** How often a file is begun whose packs gc takes away meanwhile. */
const TRIES = 4;

/**
 * One result per target, in no order. Parent directories must be there. A file that cannot be written is a `failed`
 * result; the others go on. When the signal is given or the consumer stops, nothing half-written is left.
 */
export async function* extract(options: ExtractOptions): AsyncGenerator<FileResult, void, undefined> {
  const steps = plan(options);
  const first = steps.next();
  const second = first.done ? first : steps.next();
  if (first.done) return;
  const small = second.done && first.value.kind === 'files' && isSmall(first.value);
  const run = new ExtractRun(options, small ? new InlineRunner() : options.runner);
  const queue: Planned[] = second.done ? [first.value] : [first.value, second.value];
  const report = progress(options);
  try {
    for (;;) {
      while (!run.crowded) {
        const next = queue.shift() ?? steps.next().value;
        if (next === undefined) break;
        run.start(next);
      }
      const results = await run.take();
      if (results === undefined) break;
      report(results);
      for (const { result } of results) yield result;
      throwIfAborted(options.signal);
    }
  } finally {
    steps.return();
    await run.finish();
  }
}

const isSmall = (planned: Extract<Planned, { kind: 'files' }>): boolean =>
  planned.targets.length <= INLINE_FILES && planned.bytes <= INLINE_BYTES;

interface Done {
  result: FileResult;
  bytes: number;
}

function progress({ onProgress }: ExtractOptions): (results: Done[]) => void {
  const total = { files: 0, bytes: 0 };
  return (results) => {
    for (const { bytes } of results) total.bytes += bytes;
    total.files += results.length;
    const path = results.at(-1)?.result.path;
    onProgress?.(path === undefined ? { ...total } : { ...total, path });
  };
}

class ExtractRun {
  readonly #options: ExtractOptions;
  readonly #runner: Runner;
  readonly #slots: Slots;
  readonly #session = newSession();
  readonly #used = new Set<number>();
  readonly #running = new Set<Promise<void>>();
  #placer: Placer | undefined;
  #ready: Done[][] = [];
  #error: unknown;
  #stopped = false;

  constructor(options: ExtractOptions, runner: Runner) {
    this.#options = options;
    this.#runner = runner;
    this.#slots = new Slots(runner.size * TASKS_PER_WORKER, BYTES_IN_FLIGHT);
  }

  /** Enough is under way. */
  get crowded(): boolean {
    return this.#slots.crowded || this.#ready.length > 4 * this.#runner.size || this.#error !== undefined;
  }

  start(planned: Planned): void {
    const work = this.#work(planned).then(
      (done) => {
        this.#ready.push(done);
      },
      (error: unknown) => {
        this.#error ??= error;
      },
    );
    const running: Promise<void> = work.then(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  /** The next results; undefined when all is done. */
  async take(): Promise<Done[] | undefined> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      throwIfAborted(this.#options.signal);
      const done = this.#ready.shift();
      if (done !== undefined) return done;
      if (this.#running.size === 0) return undefined;
      await Promise.race(this.#running);
    }
  }

  /** Waits for what is under way: units are short, and none of them leaves a temporary file. */
  async finish(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    this.#placer?.close();
    const session = this.#session;
    await Promise.allSettled([...this.#used].map((worker) => this.#runner.run(worker, 'end', { session })));
  }

  #inSlot<T>(bytes: number, work: (worker: number) => Promise<T>): Promise<T> {
    return this.#slots.run(bytes, () => {
      if (this.#stopped || this.#options.signal?.aborted) throw new PlaitError('interrupted', 'The work was stopped.');
      const worker = this.#runner.idlest();
      this.#used.add(worker);
      return work(worker);
    });
  }

  async #work(planned: Planned, tries = 1): Promise<Done[]> {
    if (planned.kind === 'failed') return [{ result: planned.result, bytes: 0 }];
    if (planned.kind === 'big') return [await this.#big(planned.target)];
    return this.#files(planned, tries);
  }

  async #files(planned: Extract<Planned, { kind: 'files' }>, tries: number): Promise<Done[]> {
    const { unit, targets, bytes } = planned;
    const { root, tempDir } = this.#options;
    const input = { ...unit, session: this.#session, root, tempDir };
    const out = await this.#inSlot(bytes, (worker) => this.#runner.run(worker, 'extractFiles', input, [unit.targets]));
    const stats = new StatColumns(out.stats);
    const gone: FileTarget[] = [];
    const done: Done[] = [];
    for (const [n, target] of targets.entries()) {
      const { path, size } = target;
      if (out.written[n] === 1) {
        done.push({ result: { path, status: 'written', stat: stats.get(n) }, bytes: size });
        continue;
      }
      const { gone: packGone, ...failure } = out.failures[n];
      if (packGone && tries < TRIES) gone.push(target);
      else done.push({ result: { path, status: 'failed', ...failure }, bytes: size });
    }
    return gone.length === 0 ? done : [...done, ...(await this.#again(gone, tries + 1))];
  }

  /** gc took packs away since their objects were looked up: they are elsewhere now. */
  async #again(targets: FileTarget[], tries: number): Promise<Done[]> {
    const { extents, locator } = this.#options;
    locator.forget?.();
    const done: Done[] = [];
    for (const planned of plan({ targets, extents, locator })) done.push(...(await this.#work(planned, tries)));
    return done;
  }

  /** Opened and finished here, filled by all workers. */
  async #big(target: FileTarget, tries = 1): Promise<Done> {
    let file: PlacedFile | undefined;
    const ranges: Promise<void>[] = [];
    try {
      this.#placer ??= new Placer(this.#options.root, this.#options.tempDir);
      file = this.#placer.open(target);
      await this.#ranges(target, file.fd, ranges);
      await Promise.all(ranges);
      return { result: { path: target.path, status: 'written', stat: file.finish() }, bytes: target.size };
    } catch (error) {
      // The descriptor must stay open until nobody writes through it.
      await Promise.allSettled(ranges);
      file?.abandon();
      if (endsAll(error)) throw error;
      if (isGone(error) && tries < TRIES) {
        this.#options.locator.forget?.();
        return this.#big(target, tries + 1);
      }
      const errno = errnoOf(error) ?? (error as PlaitError).data?.errno;
      const message = error instanceof Error ? error.message : String(error);
      const result: FileResult = { path: target.path, status: 'failed', message };
      if (typeof errno === 'string') result.errno = errno;
      return { result, bytes: target.size };
    }
  }

  async #ranges(target: FileTarget, fd: number, ranges: Promise<void>[]): Promise<void> {
    const { extents, locator } = this.#options;
    let builder = new PlacedBuilder();
    let begin = 0;
    let end = 0;
    let bytes = 0;
    const send = async (): Promise<void> => {
      const input = { ...builder.take(), session: this.#session, fd, position: begin };
      const range = this.#inSlot(bytes, (worker) => this.#runner.run(worker, 'writeRange', input));
      range.catch(() => {});
      ranges.push(range);
      builder = new PlacedBuilder();
      begin = end;
      bytes = 0;
      // Later ranges are looked up when earlier ones are written; the first failure ends it.
      const wait = ranges[ranges.length - 1 - TASKS_PER_WORKER * this.#runner.size];
      if (wait !== undefined) await wait;
    };
    for (const extent of extents(target.content)) {
      const place = extent.id === undefined ? undefined : locator.find(extent.id);
      if (extent.id !== undefined && place === undefined) throw new PlaitError('blob-absent', absent(extent.id));
      builder.add(extent, place);
      end += extent.length;
      if (end > target.size) break;
      if (extent.id !== undefined) bytes += extent.length;
      if (bytes >= RANGE) await send();
    }
    if (end !== target.size) throw new PlaitError('integrity', wrongSize(end, target.size));
    await send();
  }
}

/** Stopped, or a thread died: no fault of one file. */
const endsAll = (error: unknown): boolean =>
  error instanceof PlaitError &&
  (error.code === 'interrupted' || (error.code === 'unexpected' && error.data?.errno === undefined));
