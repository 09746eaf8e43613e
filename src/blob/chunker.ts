/**
 * Content-defined chunking. The cut after a chunk that starts at s is the first strict candidate p with
 * s + min <= p < s + normal, else the first loose one with s + normal <= p < s + max, else s + max; the end of the file
 * ends the last chunk. `cuts` does this over one buffer; `CutSelector` does it over candidates that other threads found,
 * and both give the same positions (test/blob/chunker.test.ts).
 */
import { CandidateList, findCandidates, WINDOW } from './gear.ts';

/** Bytes. With these masks random data gives chunks of 64 KiB on average. Part of the format. */
export const CHUNK = { min: 16 * 1024, normal: 54 * 1024, max: 256 * 1024 } as const;

const ZEROS = Buffer.alloc(CHUNK.max);
/** How far the sequential chunker looks at a time; what it finds beyond the cut is wasted. */
const STEP = 8 * 1024;

/** True when bytes[start, end) are all zero. Compares like memcmp, 256 KiB at a time. */
export function isZero(bytes: Buffer, start: number, end: number): boolean {
  if (start < end && (bytes[start] !== 0 || bytes[end - 1] !== 0)) return false;
  for (let at = start; at < end; at += CHUNK.max) {
    const stop = Math.min(end, at + CHUNK.max);
    if (bytes.compare(ZEROS, 0, stop - at, at, stop) !== 0) return false;
  }
  return true;
}

/** True for a chunk that is stored as a hole: all zero and as long as a chunk can be. */
export const isHole = (bytes: Buffer, start: number, end: number): boolean =>
  end - start === CHUNK.max && isZero(bytes, start, end);

/** Ends of the chunks of bytes[start, end), taken as a whole file; the last one is `end`. No bytes, no chunks. */
export function cuts(bytes: Buffer, start = 0, end = bytes.length): number[] {
  const ends: number[] = [];
  for (let at = start; at < end; ) {
    at = nextCut(bytes, at, end);
    ends.push(at);
  }
  return ends;
}

const found = new CandidateList();

function nextCut(bytes: Buffer, start: number, end: number): number {
  if (end - start <= CHUNK.min) return end;
  const limit = Math.min(end, start + CHUNK.max);
  // No position in a run of zeros is a candidate, so all-zero bytes need no look.
  if (isHole(bytes, start, limit)) return limit;
  for (let from = start + CHUNK.min - 1; from < limit; from += STEP) {
    found.clear();
    findCandidates(bytes, from, Math.min(limit, from + STEP), start, found);
    for (let i = 0; i < found.length; i++) {
      const item = found.at(i);
      if (isCut(item >>> 1, (item & 1) === 1)) return start + (item >>> 1);
    }
  }
  return limit;
}

/** Whether a candidate `distance` bytes after the chunk's start ends it. */
const isCut = (distance: number, strict: boolean): boolean =>
  distance >= CHUNK.normal || (strict && distance >= CHUNK.min);

/**
 * Candidates of a segment of a file: those positions p with begin < p <= end, as `(p - begin) * 2 + strict`.
 * `bytes` must hold the file's WINDOW bytes before `begin` too (fewer at the file's start). `zero`: the whole segment is.
 */
export function candidates(bytes: Buffer, begin: number, end: number, zero = isZero(bytes, begin, end)): Uint32Array {
  const out = new CandidateList();
  const from = Math.max(begin, WINDOW);
  // Past the first window of an all-zero segment there is nothing to find.
  const to = zero ? Math.min(end, from + WINDOW) : end;
  if (from < to) findCandidates(bytes, from, to, begin, out);
  return out.toArray();
}

/** Chooses the cuts of one file from the candidates of its segments, given in order. */
export class CutSelector {
  readonly #size: number;
  #start = 0;
  #known = 0;
  #pending: { at: number; strict: boolean }[] = [];
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** `found` are the candidates up to file offset `known`, relative to where the call before ended. Returns new cuts. */
  push(found: Uint32Array, known: number): number[] {
    const base = this.#known;
    this.#pending = this.#pending.slice(this.#next);
    this.#next = 0;
    for (const item of found) this.#pending.push({ at: base + (item >>> 1), strict: (item & 1) === 1 });
    this.#known = known;
    const out: number[] = [];
    for (let cut = this.#cut(); cut !== undefined; cut = this.#cut()) {
      out.push(cut);
      this.#start = cut;
    }
    return out;
  }

  /** The end of the chunk that starts at #start; undefined when later candidates may decide it, or at the end. */
  #cut(): number | undefined {
    const left = this.#size - this.#start;
    if (left === 0) return undefined;
    if (left <= CHUNK.min) return this.#size;
    const limit = Math.min(this.#size, this.#start + CHUNK.max);
    for (; this.#next < this.#pending.length; this.#next++) {
      const candidate = this.#pending[this.#next] as { at: number; strict: boolean };
      if (candidate.at >= limit) break;
      if (isCut(candidate.at - this.#start, candidate.strict)) return candidate.at;
    }
    return this.#known >= limit ? limit : undefined;
  }
}
