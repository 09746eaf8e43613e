/**
 * What a snapshot needs that the other side lacks: everything reachable from its root and from none of the bases, less
 * what this stream has sent already, less what the other side says it holds.
 */
import { setImmediate } from 'node:timers/promises';
import type { NodeSource } from '../blob/contract.ts';
import type { Manifest, Reached } from '../blob/manifest/contract.ts';
import type { NodeId } from '../core/ids.ts';
import { MAX_HAVE_IDS } from '../wire/limits.ts';
import { IdSet } from './id-set.ts';

/** One byte per id: 1 = held there. `ids` is n x 32 raw bytes, n <= MAX_HAVE_IDS. */
export type Have = (kind: 0 | 1, ids: Uint8Array) => Promise<Uint8Array>;

/** Ids that this stream has dealt with. At most 32 MiB a kind; what it forgets is sent twice at worst. */
export class Seen {
  readonly #chunks = new IdSet();
  readonly #nodes = new IdSet();

  add(kind: 0 | 1, id: Uint8Array): boolean {
    return (kind === 0 ? this.#chunks : this.#nodes).add(id);
  }
}

export interface SelectOptions {
  manifest: Manifest;
  nodes: NodeSource;
  root: NodeId;
  bases: NodeId[];
  seen: Seen;
  /** Objects of this kind only; default both, in walk order. */
  kind?: 0 | 1;
  have?: Have;
  /** What the other side has told that it holds. */
  skip?: (kind: 0 | 1, id: Uint8Array) => boolean;
  signal?: AbortSignal;
}

/** What to send; `id` is a copy. */
export type Wanted = Reached;

// The first window is small, so that the stream starts at once; later ones are large, because blocks are cut at their ends.
const FIRST_WINDOW = 4096;
const MAX_WINDOW = 65_536;
/** Fewer than these are sent without asking: the round trip costs more. */
const DIRECT = 64;
/** But not where they are large and have no counterpart in the base: a file that was only renamed, say. */
const DIRECT_BYTES = 256 * 1024;
/** Objects walked over between two looks at the rest of the world; a node may have a thousand entries. */
const SLICE = 64;
/** have requests in flight. */
const PARALLEL = 4;
/** Of objects that go as deltas. */
const SAMPLE = 128;

/** Windows of what to send, at most 65,536 objects each. */
export async function* selectMissing(options: SelectOptions): AsyncGenerator<Wanted[]> {
  let size = FIRST_WINDOW;
  let first = true;
  const ids = newIds(options);
  for (;;) {
    const window = await takeWindow(ids, size, options.signal);
    const last = window.length < size;
    const direct = !options.have || (first && last && isLittle(window));
    const missing = direct ? window : await confirm(window, options.have as Have);
    if (missing.length > 0) yield missing;
    if (last) return;
    first = false;
    size = Math.min(size * 4, MAX_WINDOW);
  }
}

const isLittle = (window: Wanted[]): boolean =>
  window.length < DIRECT && window.reduce((sum, { at, length = 0 }) => sum + (at ? 0 : length), 0) <= DIRECT_BYTES;

/** Undefined now and then: the walk is synchronous, and whoever drives it lets a hub serve others in between. */
function* newIds(options: SelectOptions): Generator<Wanted | undefined> {
  const { manifest, nodes, root, bases, seen, kind: only, skip } = options;
  let walked = 0;
  for (const reached of manifest.reachable(nodes, root, bases)) {
    if (++walked % SLICE === 0) yield undefined;
    const { kind, id } = reached;
    if (only !== undefined && kind !== only) continue;
    if (seen.add(kind, id) && !skip?.(kind, id)) yield reached;
  }
}

async function takeWindow(ids: Iterator<Wanted | undefined>, size: number, signal?: AbortSignal): Promise<Wanted[]> {
  const window: Wanted[] = [];
  // Ids may be views into nodes; copies keep the nodes themselves from staying in memory.
  let block = Buffer.alloc(0);
  while (window.length < size) {
    const next = ids.next();
    if (next.done) break;
    if (next.value === undefined) {
      await setImmediate();
      signal?.throwIfAborted();
      continue;
    }
    const at = (window.length % MAX_HAVE_IDS) * 32;
    if (at === 0) block = Buffer.allocUnsafe(MAX_HAVE_IDS * 32);
    block.set(next.value.id, at);
    window.push({ ...next.value, id: block.subarray(at, at + 32) });
  }
  return window;
}

/** Those that the other side does not hold, in the same order within each kind. */
async function confirm(window: Wanted[], have: Have): Promise<Wanted[]> {
  const missing = await Promise.all(
    ([0, 1] as const).map(async (kind) => {
      const refs = window.filter((ref) => ref.kind === kind);
      const held = await askFor(kind, refs, have);
      return refs.filter((ref) => !held.has(ref));
    }),
  );
  return missing.flat();
}

/** Those of `refs`, all of one kind, that the other side holds. */
async function askFor(kind: 0 | 1, refs: Wanted[], have: Have): Promise<Set<Wanted>> {
  const { sample, rest, sure } = probe(refs);
  const held = await ask(kind, [...sample, ...sure], have);
  if (sample.some((ref) => held.has(ref))) for (const ref of await ask(kind, rest, have)) held.add(ref);
  return held;
}

/**
 * What has a counterpart in the base goes as a delta of some hundred bytes, so that asking for it costs a good part of
 * sending it. Of many such a few, spread over all, are asked for: where none of them is held, hardly any of the rest is.
 */
function probe(refs: Wanted[]): { sample: Wanted[]; rest: Wanted[]; sure: Wanted[] } {
  const likely = refs.filter(({ at, over }) => at || over);
  const every = Math.floor(likely.length / SAMPLE);
  if (every < 2) return { sample: [], rest: [], sure: refs };
  return {
    sample: likely.filter((_, n) => n % every === 0),
    rest: likely.filter((_, n) => n % every !== 0),
    sure: refs.filter(({ at, over }) => !at && !over),
  };
}

async function ask(kind: 0 | 1, refs: Wanted[], have: Have): Promise<Set<Wanted>> {
  const held = new Set<Wanted>();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < refs.length) {
      const batch = refs.slice(next, next + MAX_HAVE_IDS);
      next += batch.length;
      const answer = await have(kind, Buffer.concat(batch.map((ref) => ref.id)));
      for (const [n, ref] of batch.entries()) if (answer[n] === 1) held.add(ref);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, Math.ceil(refs.length / MAX_HAVE_IDS)) }, worker));
  return held;
}
