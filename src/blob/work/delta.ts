/** Encodes deltas on all cores: targets and base are read from packs by the worker that compresses them. */
import { PlaitError } from '../../core/errors.ts';
import type { BasePiece, ObjectRef } from '../contract.ts';
import { encodeFrame, tooLong, withinCounts } from '../delta-encode.ts';
import { BlockCache } from './block-cache.ts';
import type { ChunkPlace } from './extract-types.ts';
import { BYTES_IN_FLIGHT, TASKS_PER_WORKER } from './limits.ts';
import type { Answer, Runner } from './protocol.ts';
import { Slots } from './slots.ts';

export interface EncodeDelta {
  kind: 0 | 1;
  /** Paths of pack files. */
  packs: string[];
  /** 32 bytes each: the targets, then the pieces. */
  ids: Uint8Array;
  /** Five numbers each: index into packs, block, offset in its raw bytes, first byte wanted, how many (-1 = all). */
  places: Float64Array;
  /** How many of them are targets. */
  targets: number;
}

const COLUMNS = 5;
/** Blocks stay decoded for the next task, and are given back when none comes. */
const IDLE_MS = 1000;
let cache: BlockCache | undefined;
let idle: NodeJS.Timeout | undefined;

function blocks(): BlockCache {
  cache ??= new BlockCache();
  clearTimeout(idle);
  idle = setTimeout(() => {
    cache?.close();
    cache = undefined;
  }, IDLE_MS);
  // A command that has ended its work does not wait for this.
  idle.unref();
  return cache;
}

/** Worker side. */
export function encodeDeltaTask(input: EncodeDelta): Answer<{ frame: Uint8Array | undefined }> {
  const count = input.places.length / COLUMNS;
  const raw = gather(input, 0, input.targets);
  if (tooLong(raw.length)) return { value: { frame: undefined } };
  const frame = encodeFrame(input.kind, raw, gather(input, input.targets, count));
  return { value: { frame } };
}

function gather({ kind, packs, ids, places }: EncodeDelta, from: number, to: number): Buffer {
  const held = blocks();
  const parts: Buffer[] = [];
  for (let n = from; n < to; n++) {
    const [pack, block, raw, start, length] = places.subarray(n * COLUMNS, (n + 1) * COLUMNS);
    const bytes = held.object(kind, packs[pack], block, raw, ids.subarray(n * 32, n * 32 + 32));
    const end = length < 0 ? bytes.length : start + length;
    if (end > bytes.length) throw new PlaitError('unexpected', 'A piece of a base ends behind its object.');
    // A copy: the next object may push its block out of the cache.
    parts.push(Buffer.from(bytes.subarray(start, end)));
  }
  return Buffer.concat(parts);
}

/** Raw bytes that a frame and its base take at most, usually far less. */
const TASK_BYTES = 1024 * 1024;

export class DeltaEncoder {
  readonly #runner: Runner;
  readonly #slots: Slots;

  constructor(runner: Runner) {
    this.#runner = runner;
    this.#slots = new Slots(runner.size * TASKS_PER_WORKER, BYTES_IN_FLIGHT);
  }

  /** Places are looked up when there is room for the task. */
  async encode(
    targets: ObjectRef[],
    base: BasePiece[],
    locate: (ref: ObjectRef) => ChunkPlace,
  ): Promise<Uint8Array | undefined> {
    if (!withinCounts(targets, base)) return undefined;
    return this.#slots.run(TASK_BYTES, async () => {
      const input = message(targets, base, locate);
      const { frame } = await this.#runner.run(this.#runner.idlest(), 'encodeDelta', input);
      return frame;
    });
  }
}

function message(targets: ObjectRef[], base: BasePiece[], locate: (ref: ObjectRef) => ChunkPlace): EncodeDelta {
  const packs = new Map<string, number>();
  const count = targets.length + base.length;
  const ids = new Uint8Array(count * 32);
  const places = new Float64Array(count * COLUMNS);
  const put = (n: number, ref: ObjectRef, start: number, length: number): void => {
    const { pack, block, raw } = locate(ref);
    if (!packs.has(pack)) packs.set(pack, packs.size);
    ids.set(ref.id, n * 32);
    places.set([packs.get(pack) as number, block, raw, start, length], n * COLUMNS);
  };
  for (const [n, ref] of targets.entries()) put(n, ref, 0, -1);
  for (const [n, piece] of base.entries()) put(targets.length + n, piece, piece.start, piece.length);
  return { kind: targets[0].kind as 0 | 1, packs: [...packs.keys()], ids, places, targets: targets.length };
}
