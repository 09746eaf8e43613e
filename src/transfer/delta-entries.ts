/** Planned deltas become entries of a stream: frames are made side by side and told in order. */
import { setImmediate } from 'node:timers/promises';
import type { BlobReader, ObjectRef } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import { type ChunkDelta, encodeDeltas, type NodeDelta } from './delta-format.ts';
import type { PlannedChunks, PlannedNodes } from './delta-plan.ts';

/**
 * Frames made and not taken yet, by number and by what they decode to: work goes on while a part is on its way. The
 * engine bounds how many are worked on.
 */
const AHEAD = 96;
const AHEAD_RAW = 16 * 1024 * 1024;
/** Planned between two looks at the rest of the world. */
const SLICE = 8;
/** An entry ends at so many bytes of frames or of what they decode to, so many frames, or so many characters of paths. */
const ENTRY_BYTES = 512 * 1024;
const ENTRY_RAW = 8 * 1024 * 1024;
const ENTRY_FRAMES = 1024;
const ENTRY_PATHS = 128 * 1024;
/** After so many frames in a row that gained nothing, one in so many is tried: new data under old names, say. */
const UNLUCKY = 8;

export interface EntryContext {
  reader: BlobReader;
  root: NodeId;
  baseRoot: NodeId;
  plain: (ref: ObjectRef) => void;
}

export interface MadeEntry {
  kind: 0 | 1;
  bytes: Uint8Array;
  /** Objects in it, and their bytes. */
  targets: number;
  raw: number;
}

export async function* nodeEntries(planned: Iterable<PlannedNodes>, context: EntryContext): AsyncGenerator<MadeEntry> {
  const { root, baseRoot } = context;
  for await (const { deltas, targets, raw } of gather(frames(planned, context), () => 0)) {
    yield { kind: 1, bytes: encodeDeltas({ root, baseRoot, kind: 1, deltas }), targets, raw };
  }
}

export async function* chunkEntries(
  planned: Iterable<PlannedChunks>,
  context: EntryContext,
): AsyncGenerator<MadeEntry> {
  const { root, baseRoot } = context;
  for await (const { deltas, targets, raw } of gather(frames(planned, context), pathsOf)) {
    yield { kind: 0, bytes: encodeDeltas({ root, baseRoot, kind: 0, deltas }), targets, raw };
  }
}

const pathsOf = ({ files }: ChunkDelta): number => files.reduce((sum, { path }) => sum + path.length, 0);

interface Framed<T> {
  delta: T;
  targets: number;
  raw: number;
}

async function* gather<T extends NodeDelta | ChunkDelta>(
  framed: AsyncIterable<Framed<T>>,
  paths: (delta: T) => number,
): AsyncGenerator<{ deltas: T[]; targets: number; raw: number }> {
  let deltas: T[] = [];
  let [bytes, targets, raw, characters] = [0, 0, 0, 0];
  for await (const item of framed) {
    deltas.push(item.delta);
    bytes += item.delta.frame.length;
    targets += item.targets;
    raw += item.raw;
    characters += paths(item.delta);
    const full = bytes >= ENTRY_BYTES || raw >= ENTRY_RAW;
    if (!full && deltas.length < ENTRY_FRAMES && characters < ENTRY_PATHS) continue;
    yield { deltas, targets, raw };
    deltas = [];
    [bytes, targets, raw, characters] = [0, 0, 0, 0];
  }
  if (deltas.length > 0) yield { deltas, targets, raw };
}

interface Plan<T> {
  delta: Omit<T, 'frame'>;
  targets: ObjectRef[];
  raw: number;
  base: Parameters<BlobReader['encodeDelta']>[1];
}

/** In the order of the plan; what gains nothing is handed to `plain`. */
async function* frames<T extends NodeDelta | ChunkDelta>(
  planned: Iterable<Plan<T>>,
  { reader, plain }: EntryContext,
): AsyncGenerator<Framed<T>> {
  const running: { plan: Plan<T>; frame: Promise<Uint8Array | undefined> }[] = [];
  let [unlucky, skipped, ahead, count] = [0, 0, 0, 0];
  const next = async (): Promise<Framed<T> | undefined> => {
    const { plan, frame: promise } = running.shift() as (typeof running)[number];
    const frame = await promise;
    ahead -= plan.raw;
    if (frame) {
      unlucky = 0;
      return { delta: { ...plan.delta, frame } as T, targets: plan.targets.length, raw: plan.raw };
    }
    unlucky++;
    for (const ref of plan.targets) plain(ref);
    return undefined;
  };
  try {
    for (const plan of planned) {
      if (++count % SLICE === 0) await setImmediate();
      if (unlucky >= UNLUCKY && ++skipped % UNLUCKY !== 0) {
        for (const ref of plan.targets) plain(ref);
        continue;
      }
      running.push({ plan, frame: encode(reader, plan) });
      ahead += plan.raw;
      while (running.length >= AHEAD || ahead >= AHEAD_RAW) {
        const framed = await next();
        if (framed) yield framed;
      }
    }
    while (running.length > 0) {
      const framed = await next();
      if (framed) yield framed;
    }
  } finally {
    // Whoever stopped early is not told about these.
    await Promise.allSettled(running.map(({ frame }) => frame));
  }
}

/** A base that is damaged here is no reason not to send: what cannot be read of the targets fails when it goes plainly. */
async function encode<T>(reader: BlobReader, { targets, base }: Plan<T>): Promise<Uint8Array | undefined> {
  try {
    return await reader.encodeDelta(targets, base);
  } catch (error) {
    if (error instanceof PlaitError && (error.code === 'integrity' || error.code === 'blob-absent')) return undefined;
    throw error;
  }
}
