/**
 * Ingest: files in, contents out, in the same order; new chunks go into blocks on the way. Workers read, chunk and hash;
 * the main thread asks the sink which chunks are new; the worker that holds them compresses those.
 */
import type { Content, Extent } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import type { FileSource, StoredFile } from '../../core/files.ts';
import { Flat } from '../../core/flat.ts';
import type { PathKey } from '../../core/paths.ts';
import type { PackSink } from '../sink.ts';
import { type Unit, units } from './batches.ts';
import { IngestRun } from './ingest-run.ts';
import { InlineRunner } from './inline.ts';
import { INLINE_BYTES, INLINE_FILES } from './limits.ts';
import type { Runner } from './protocol.ts';
import { boundYoungHeap } from './young-heap.ts';

export interface IngestOptions {
  runner: Runner;
  root: string;
  files: Iterable<FileSource> | AsyncIterable<FileSource>;
  sink: PackSink;
  /** Content of a file with more extents than are kept inline. Called on the main thread. */
  buildList: (extents: Iterable<Extent>) => Content;
  /** Nothing is asked of the sink or given to it. */
  dryRun?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: { files: number; bytes: number; path?: PathKey }) => void;
}

interface Started {
  done: Promise<StoredFile[]>;
  settled: boolean;
  bytes: number;
}

/** Units begun and not yet handed out, per worker: lets the others go on while the first one is slow. */
const WINDOW_PER_WORKER = 8;

/**
 * Ends with all blocks handed to the sink, also when the consumer stops early. When it throws, chunks may have been
 * claimed that were not stored: the sink's session must fail too.
 */
export const ingest = (options: IngestOptions): Flat<StoredFile> => new Flat(ingestUnits(options));

/** The same, unit by unit. */
export async function* ingestUnits(options: IngestOptions): AsyncGenerator<StoredFile[], void, undefined> {
  const source = units(options.files);
  const first = await source.next();
  if (first.done) return;
  const run = new IngestRun(options, isSmall(first.value) ? new InlineRunner() : options.runner);
  const window: Started[] = [start(run, first.value)];
  const report = progress(options);
  let exhausted = false;
  let failed = true;
  try {
    while (window.length > 0) {
      while (!exhausted && !run.crowded && window.length < WINDOW_PER_WORKER * run.width) {
        const next = await source.next();
        if (next.done) exhausted = true;
        else window.push(start(run, next.value));
      }
      const head = window[0];
      if (!head.settled) {
        // No promise of the whole run may stand here: each race would leave its result hanging on it.
        await Promise.race([head.done, run.changed()]);
        throwIfAborted(options.signal);
        continue;
      }
      window.shift();
      const results = await head.done;
      boundYoungHeap();
      report(results, head.bytes);
      failed = false;
      yield results;
      failed = true;
      throwIfAborted(options.signal);
    }
    failed = false;
  } finally {
    await source.return();
    if (failed) run.cancel();
    const rest = await Promise.allSettled(window.map((unit) => unit.done));
    await run.finish(!failed && rest.every((unit) => unit.status === 'fulfilled'));
  }
}

function start(run: IngestRun, unit: Unit): Started {
  const started: Started = { done: run.unit(unit), settled: false, bytes: unit.bytes };
  const settle = (): void => {
    started.settled = true;
  };
  started.done.then(settle, settle);
  return started;
}

const isSmall = (unit: Unit): boolean => unit.last && unit.files.length <= INLINE_FILES && unit.bytes <= INLINE_BYTES;

function progress({ onProgress }: IngestOptions): (results: StoredFile[], bytes: number) => void {
  const total = { files: 0, bytes: 0 };
  return (results, bytes) => {
    total.files += results.length;
    total.bytes += bytes;
    const path = results.at(-1)?.path;
    onProgress?.(path === undefined ? { ...total } : { ...total, path });
  };
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new PlaitError('interrupted', 'The work was stopped.', { cause: signal.reason });
}
