/** One ingest in progress: its session on the workers, and how one unit of work becomes stored files. */
import type { Content } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import { INLINE_EXTENTS, iterateExtents } from '../../core/extents.ts';
import type { FileSource, StoredFile } from '../../core/files.ts';
import { KIND } from '../../core/hash.ts';
import type { Unit } from './batches.ts';
import { storeBig } from './big-file.ts';
import type { IngestOptions } from './ingest.ts';
import { FILE_STATUS, type HashedFiles } from './ingest-types.ts';
import { BYTES_IN_FLIGHT, TASKS_PER_WORKER } from './limits.ts';
import type { Runner, TaskName, Tasks } from './protocol.ts';
import { newSession } from './session-number.ts';
import { Slots } from './slots.ts';
import { StatColumns } from './stat-columns.ts';

export class IngestRun {
  readonly options: IngestOptions;
  readonly session = newSession();
  readonly #runner: Runner;
  readonly #slots: Slots;
  readonly #used = new Set<number>();
  readonly #onAbort: () => void;
  #cancelled = false;

  constructor(options: IngestOptions, runner: Runner) {
    this.options = options;
    this.#runner = runner;
    this.#slots = new Slots(runner.size * TASKS_PER_WORKER, BYTES_IN_FLIGHT);
    this.#onAbort = () => {
      this.#cancelled = true;
      this.#slots.notify();
    };
    if (options.signal?.aborted) this.#onAbort();
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get width(): number {
    return this.#runner.size;
  }

  get crowded(): boolean {
    return this.#slots.crowded;
  }

  /** Resolves when a task has ended or the signal was given. */
  changed(): Promise<void> {
    return this.#slots.changed();
  }

  /** What is in flight ends at its next step. */
  cancel(): void {
    this.#cancelled = true;
  }

  unit(unit: Unit): Promise<StoredFile[]> {
    return unit.big ? this.#big(unit.files[0]) : this.#batch(unit);
  }

  /** Runs `work` with a worker of its own choice, when `bytes` more may be in flight. */
  inSlot<T>(bytes: number, work: (worker: number) => Promise<T>): Promise<T> {
    return this.#slots.run(bytes, () => {
      if (this.#cancelled) throw stopped();
      const worker = this.#runner.idlest();
      this.#used.add(worker);
      return work(worker);
    });
  }

  call<K extends TaskName>(
    worker: number,
    name: K,
    input: Tasks[K]['in'],
    transfer?: ArrayBuffer[],
  ): Promise<Tasks[K]['out']> {
    return this.#runner.run(worker, name, input, transfer);
  }

  /** Stores those of the chunks that `worker` keeps under `kept` which are new. */
  async store(worker: number, kept: number, ids: Uint8Array): Promise<void> {
    if (kept === 0) return;
    if (this.#cancelled) throw stopped();
    const flags = this.options.sink.claim(KIND.chunk, ids);
    if (!flags.includes(1)) {
      await this.call(worker, 'drop', { session: this.session, kept });
      return;
    }
    this.#append(await this.call(worker, 'pack', { session: this.session, kept, flags: new Uint8Array(flags) }));
  }

  /** With `complete`, the blocks that are not full are stored too. */
  async finish(complete: boolean): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.#onAbort);
    const { session } = this;
    const ends = [...this.#used].map(async (worker) => {
      if (complete && !this.options.dryRun) this.#append(await this.call(worker, 'flush', { session }));
      await this.call(worker, 'end', { session });
    });
    const results = await Promise.allSettled(ends);
    if (!complete) return;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  content(extents: Uint8Array, count: number): Content {
    return count <= INLINE_EXTENTS ? { extents } : this.options.buildList(iterateExtents(extents));
  }

  #append(blocks: Uint8Array[]): void {
    for (const block of blocks) this.options.sink.append(block);
  }

  async #batch({ files, bytes }: Unit): Promise<StoredFile[]> {
    const hashed = await this.inSlot(bytes, async (worker) => {
      const stats = new StatColumns(files.length);
      for (let n = 0; n < files.length; n++) stats.set(n, files[n].stat);
      const { session } = this;
      const paths = files.map((file) => file.path);
      const input = {
        session,
        root: this.options.root,
        paths,
        stats: stats.buffer,
        dryRun: this.options.dryRun === true,
      };
      const found = await this.call(worker, 'hashFiles', input, [stats.buffer]);
      await this.store(worker, found.kept, found.ids);
      return found;
    });
    return this.#results(files, hashed);
  }

  async #results(files: FileSource[], hashed: HashedFiles): Promise<StoredFile[]> {
    const stats = new StatColumns(hashed.stats);
    const results: StoredFile[] = [];
    let begin = 0;
    for (let n = 0; n < files.length; n++) {
      const { path } = files[n];
      const status = FILE_STATUS[hashed.status[n]];
      const end = hashed.extentEnds[n];
      if (status === 'stored') {
        const content = this.content(hashed.extents.subarray(begin, end), hashed.extentCounts[n]);
        results.push({ path, status, content, stat: stats.get(n) });
      } else if (status === 'grown') {
        results.push(...(await this.#big({ path, stat: stats.get(n) })));
      } else {
        const errno = hashed.errnos[n];
        results.push(errno === undefined ? { path, status } : { path, status, errno });
      }
      begin = end;
    }
    return results;
  }

  async #big(file: FileSource): Promise<StoredFile[]> {
    return [await storeBig(this, file)];
  }
}

const stopped = (): PlaitError => new PlaitError('interrupted', 'The work was stopped.');
