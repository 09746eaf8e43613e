/**
 * A big file on all workers: they look for candidates segment by segment; the main thread chooses the cuts in order;
 * then they hash and compress runs of whole chunks. Each task reads for itself and checks that the file still looks as
 * it did at the start, so all parts are of one moment.
 */
import type { FileSource, StoredFile } from '../../core/files.ts';
import type { FileStat } from '../../core/stat.ts';
import { CHUNK, CutSelector } from '../chunker.ts';
import { ID_BYTES } from '../format.ts';
import { ExtentsWriter } from './extents-writer.ts';
import type { IngestRun } from './ingest-run.ts';
import type { BigFile, Lost, ScannedSegment } from './ingest-types.ts';
import { SEGMENT } from './limits.ts';
import { StatColumns } from './stat-columns.ts';

const TRIES = 3;

/** Chunks whose ids a worker found out, or known zeros; ids as in HashedSegment. */
interface Part {
  begin: number;
  ends: number[];
  holes: Uint8Array;
  ids: Uint8Array;
}

export async function storeBig(run: IngestRun, { path }: FileSource): Promise<StoredFile> {
  const { session } = run;
  const { root } = run.options;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const now = await run.inSlot(0, (worker) => run.call(worker, 'statFile', { session, root, path }));
    if (!('stat' in now)) return { path, ...now };
    const wanted = new StatColumns(now.stat).get(0);
    const outcome = await new BigRead(run, path, wanted).run();
    if (outcome instanceof ExtentsWriter) {
      const count = outcome.end();
      return { path, status: 'stored', content: run.content(outcome.take(), count), stat: wanted };
    }
    if (outcome.status !== 'changed') return { path, ...outcome };
  }
  return { path, status: 'changed' };
}

class BigRead {
  readonly #run: IngestRun;
  readonly #file: BigFile;
  readonly #size: number;
  readonly #selector: CutSelector;
  /** One per segment scanned: it is all zero. */
  readonly #zero: boolean[] = [];
  readonly #extents = new ExtentsWriter();
  /** Parts being hashed, in file order. */
  readonly #parts: Promise<Part | Lost>[] = [];
  #begin = 0;
  #ends: number[] = [];
  #lost: Lost | undefined;

  constructor(run: IngestRun, path: FileSource['path'], stat: FileStat) {
    const columns = new StatColumns(1);
    columns.set(0, stat);
    this.#run = run;
    this.#file = { session: run.session, root: run.options.root, path, stat: columns.buffer };
    this.#size = stat.size;
    this.#selector = new CutSelector(stat.size);
  }

  async run(): Promise<ExtentsWriter | Lost> {
    const ahead = this.#run.width * 2;
    const scans: Promise<ScannedSegment>[] = [];
    let scanned = 0;
    try {
      for (let end = 0; end < this.#size && this.#lost === undefined; ) {
        for (; scans.length < ahead && scanned < this.#size; scanned += SEGMENT) scans.push(this.#scan(scanned));
        const segment = await (scans.shift() as Promise<ScannedSegment>);
        end = Math.min(this.#size, end + SEGMENT);
        if ('candidates' in segment) await this.#cut(segment, end, ahead);
        else this.#lost = segment;
      }
      if (this.#lost === undefined) this.#send();
      while (this.#parts.length > 0 && this.#lost === undefined) await this.#collect();
    } finally {
      // Whatever was claimed is stored before anybody goes on.
      await Promise.allSettled([...scans, ...this.#parts]);
    }
    return this.#lost ?? this.#extents;
  }

  #scan(begin: number): Promise<ScannedSegment> {
    const end = Math.min(this.#size, begin + SEGMENT);
    const scan = this.#run.inSlot(end - begin, (worker) =>
      this.#run.call(worker, 'scanSegment', { ...this.#file, begin, end }),
    );
    scan.catch(() => {});
    return scan;
  }

  /** Takes the cuts up to `end` and sends off what is enough for a task. */
  async #cut(segment: Extract<ScannedSegment, { zero: boolean }>, end: number, ahead: number): Promise<void> {
    this.#zero.push(segment.zero);
    for (const cut of this.#selector.push(segment.candidates, end)) {
      const begin = this.#ends.at(-1) ?? this.#begin;
      if (this.#isKnownHole(begin, cut)) {
        this.#send();
        this.#part(Promise.resolve({ begin, ends: [cut], holes: Uint8Array.of(1), ids: new Uint8Array(0) }));
        this.#begin = cut;
        // Parts that need no worker must not pile up either.
        if (this.#parts.length > ahead) await this.#collect();
        continue;
      }
      this.#ends.push(cut);
      if (cut - this.#begin >= SEGMENT) this.#send();
    }
    while (this.#parts.length > ahead && this.#lost === undefined) await this.#collect();
  }

  #isKnownHole(begin: number, end: number): boolean {
    if (end - begin !== CHUNK.max) return false;
    for (let n = Math.floor(begin / SEGMENT); n * SEGMENT < end; n++) if (!this.#zero[n]) return false;
    return true;
  }

  #send(): void {
    const begin = this.#begin;
    const ends = this.#ends;
    const last = ends.at(-1);
    if (last === undefined) return;
    this.#ends = [];
    this.#begin = last;
    this.#part(
      this.#run.inSlot(last - begin, async (worker) => {
        const input = { ...this.#file, begin, ends, dryRun: this.#run.options.dryRun === true };
        const hashed = await this.#run.call(worker, 'hashSegment', input);
        if (!('ids' in hashed)) return hashed;
        await this.#run.store(worker, hashed.kept, hashed.ids);
        return { begin, ends, holes: hashed.holes, ids: hashed.ids };
      }),
    );
  }

  #part(part: Promise<Part | Lost>): void {
    part.catch(() => {});
    this.#parts.push(part);
  }

  async #collect(): Promise<void> {
    const part = await (this.#parts.shift() as Promise<Part | Lost>);
    if (!('ids' in part)) {
      this.#lost = part;
      return;
    }
    let start = part.begin;
    let id = 0;
    for (let n = 0; n < part.ends.length; n++) {
      const length = part.ends[n] - start;
      if (part.holes[n] === 1) this.#extents.hole(length);
      else this.#extents.chunk(length, part.ids.subarray(id * ID_BYTES, ++id * ID_BYTES));
      start = part.ends[n];
    }
  }
}
