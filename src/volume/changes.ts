/**
 * The working directory against its base. One synchronous merge of scan and stat cache finds what may have changed;
 * only those files are read. Nothing is held per unchanged file.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { isOnlyDirTime } from '../core/directory-time.ts';
import type { Change, Entry } from '../core/entry.ts';
import { decodeEntry, encodeEntry, sameEntryBytes } from '../core/entry-codec.ts';
import { PlaitError } from '../core/errors.ts';
import type { StoredFile } from '../core/files.ts';
import { Flat, itemsOf } from '../core/flat.ts';
import type { NodeId } from '../core/ids.ts';
import type { FileStat } from '../core/stat.ts';
import { stampFile } from '../disk/files.ts';
import { CacheSession, openBase } from './cache-session.ts';
import type { Changes, ChangesOptions } from './contract.ts';
import { findDoubt, isInDoubt } from './doubt.ts';
import { LinkGroups } from './link-groups.ts';
import { makeEntry } from './make-entry.ts';
import { Merge, type Slot } from './merge.ts';
import { problem } from './problems.ts';
import { Sources } from './sources.ts';
import { FLAG, isOldEnough } from './stat-cache.ts';

/** Changes that are handed on together. */
const BATCH = 256;

export function collectChanges(options: ChangesOptions): Changes {
  return new Collector(options);
}

/** Now in ns, by our clock or by the file system's that holds the state, whichever is earlier. */
function clockFloor(stateDir: string, now: () => number): bigint {
  const probe = join(stateDir, 'clock');
  stampFile(probe);
  const theirs = statSync(probe, { bigint: true }).mtimeNs;
  const ours = BigInt(Math.floor(now())) * 1_000_000n;
  return theirs < ours ? theirs : ours;
}

class Collector implements Changes {
  readonly outcome: Changes['outcome'] = {
    problems: [],
    files: 0,
    bytes: 0,
    added: 0,
    modified: 0,
    deleted: 0,
    typeChanged: 0,
    unchanged: 0,
    changes: 0,
    baseFiles: 0,
    missingMounts: [],
  };
  readonly #options: ChangesOptions;
  readonly #links = new LinkGroups();
  #session: CacheSession | undefined;
  #start = 0n;
  #ended = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  get cacheMoved(): boolean {
    return this.#session?.moved ?? false;
  }

  keepCache(root: NodeId): void {
    if (!this.#ended || !this.#session) throw new PlaitError('unexpected', 'the stat cache is not complete yet');
    this.#session.keep(root);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Change> {
    return new Flat(this.#batches());
  }

  async *#batches(): AsyncGenerator<Change[], void, undefined> {
    const { volume } = this.#options;
    if (volume.pendingCheckout() || isInDoubt(findDoubt(volume.stateDir))) {
      throw new PlaitError('busy', 'a checkout of this working directory was cut off', {
        hint: 'the next command finishes it first; run it again',
      });
    }
    if (this.#session) throw new PlaitError('unexpected', 'changes can be gone through only once');
    const { startNs, now } = this.#options;
    this.#start = startNs?.() ?? clockFloor(volume.stateDir, now ?? Date.now);
    const base = openBase(volume, this.#options.baseEntries);
    const session = new CacheSession(volume.stateDir, base, { looksOnly: this.#options.looksOnly });
    this.#session = session;
    const { dirTimes = false, observer } = this.#options;
    const merge = new Merge(volume, session, this.outcome, this.#links, dirTimes, observer);
    try {
      yield* this.#settleAll(merge);
      this.#ended = true;
    } finally {
      merge.close();
      if (this.#ended) session.endDelta();
      else session.abandon();
      this.#options.onEnd?.();
    }
  }

  async *#settleAll(merge: Merge): AsyncGenerator<Change[], void, undefined> {
    const sources = new Sources(merge, this.#options);
    // Ingest may start workers: only when there is something to read.
    if (await sources.any()) {
      const results = itemsOf(this.#options.ingest(this.#options.volume.state.dir, sources));
      try {
        for (let batch: Change[] = []; ; ) {
          const step = results.next();
          const next = step instanceof Promise ? await step : step;
          if (!next.done) for (const change of this.#drain(merge, next.value)) batch.push(change);
          if (batch.length < BATCH && !next.done) continue;
          yield batch;
          if (next.done) break;
          batch = [];
        }
      } finally {
        await results.return?.();
      }
    }
    yield* inBatches(this.#drain(merge, undefined));
    if (merge.slots.length > 0) throw new PlaitError('unexpected', 'reading ended before all files were read');
  }

  /** Slots up to the file that `result` is about, which must be the first one that waits. */
  *#drain(merge: Merge, result: StoredFile | undefined): Generator<Change> {
    for (let slot = merge.slots.first(); slot !== undefined; slot = merge.slots.first()) {
      if (slot.source === undefined) {
        merge.slots.shift();
        const change = this.#settle(slot, slot.after, slot.stat, slot.flags);
        if (change !== undefined) yield change;
        continue;
      }
      if (result === undefined) return;
      if (result.path !== slot.path) throw new PlaitError('unexpected', 'files were read out of order');
      merge.slots.shift();
      const change = this.#settleRead(slot, result);
      if (change !== undefined) yield change;
      return;
    }
    if (result !== undefined) throw new PlaitError('unexpected', 'a file was read that nobody asked for');
  }

  #settleRead(slot: Slot, result: StoredFile): Change | undefined {
    if (result.status === 'stored') {
      const { preserve } = this.#options.volume.state;
      const base = slot.before && decodeEntry(slot.path, slot.before);
      const { content, stat } = result;
      const found = { path: slot.path, kind: 'file' as const, stat, content, linkGroup: slot.linkGroup };
      return this.#settle(slot, makeEntry(found, base, preserve), stat, 0);
    }
    if (result.status === 'vanished') return this.#settle(slot, undefined, undefined, 0);
    const why =
      result.status === 'changed'
        ? 'it was being written while it was read; kept as it was'
        : `cannot be read (${result.errno ?? 'unknown error'}); kept as it was`;
    const what = result.status === 'changed' ? 'changed-while-read' : 'unreadable';
    this.outcome.problems.push(problem(slot.path, what, why));
    // The base's entry stays, and the path is read again next time.
    return slot.before && this.#settle(slot, decodeEntry(slot.path, slot.before), undefined, 0);
  }

  #settle(slot: Slot, found: Entry | undefined, stat: FileStat | undefined, flags: number): Change | undefined {
    const { path, before, known } = slot;
    const session = this.#session!;
    if (found === undefined) {
      if (before === undefined) return undefined;
      const entry = decodeEntry(path, before);
      if (entry.kind !== 'dir') this.outcome.deleted++;
      session.remove(path);
      this.outcome.changes++;
      return { path, before: entry };
    }
    const after = this.#links.settle(found);
    const bytes = encodeEntry(after);
    const isSame = before !== undefined && sameEntryBytes(before, bytes);
    const trusted = stat !== undefined && isOldEnough(stat, this.#start) ? FLAG.trusted : 0;
    if (known === undefined) session.put(path, flags | trusted, stat, bytes);
    else if (!isSame) session.put(path, flags, known, bytes);
    if (isSame) {
      this.#countKept(after);
      return undefined;
    }
    const entry = before && decodeEntry(path, before);
    this.#countChanged(entry, after);
    return entry ? { path, before: entry, after } : { path, after };
  }

  #countKept(entry: Entry): void {
    if (entry.kind === 'dir') return;
    this.outcome.unchanged++;
    this.#countFile(entry);
  }

  #countChanged(before: Entry | undefined, after: Entry): void {
    this.#countFile(after);
    const { outcome } = this;
    if (isOnlyDirTime({ before, after })) return;
    outcome.changes++;
    const leaf = after.kind !== 'dir';
    if (before === undefined || before.kind === 'dir') {
      if (before !== undefined) outcome.typeChanged++;
      else if (leaf) outcome.added++;
    } else if (before.kind !== after.kind) {
      outcome.typeChanged++;
    } else {
      outcome.modified++;
    }
  }

  #countFile(entry: Entry): void {
    if (entry.kind !== 'file') return;
    this.outcome.files++;
    this.outcome.bytes += entry.size;
  }
}

function* inBatches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    if (batch.push(item) < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
