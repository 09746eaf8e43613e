/** Encodes and decodes deltas on all cores: what lies in packs is read by the worker that needs it. */
import type { BasePiece, DeltaInput, ObjectRef } from '../contract.ts';
import { type DecodedFrame, decodeFrame } from '../delta.ts';
import { encodeFrame, tooLong, withinCounts } from '../delta-encode.ts';
import { LARGE, release } from '../release.ts';
import type { ChunkPlace } from './extract-types.ts';
import { BYTES_IN_FLIGHT, TASKS_PER_WORKER } from './limits.ts';
import { gatherPieces, listPieces, type Pieces } from './pieces.ts';
import type { Answer, Runner } from './protocol.ts';
import { Slots } from './slots.ts';

export interface EncodeDelta {
  kind: 0 | 1;
  targets: Pieces;
  base: Pieces;
}

export interface DecodeDelta {
  frame: Uint8Array;
  /** The dictionary, or where to find it. */
  base: Uint8Array | Pieces;
  kind: 0 | 1;
  /** Of the targets, 32 bytes each. */
  ids: Uint8Array;
  lengths: Uint32Array;
}

/** Worker side. */
export function encodeDeltaTask({ kind, targets, base }: EncodeDelta): Answer<{ frame: Uint8Array | undefined }> {
  const raw = gatherPieces(targets, true);
  if (tooLong(raw.length)) return { value: { frame: undefined } };
  const dictionary = gatherPieces(base, false);
  const frame = encodeFrame(kind, raw, dictionary);
  for (const done of [raw, dictionary]) release(done);
  return { value: { frame } };
}

/** Worker side. Throws `integrity` where the base cannot be read, `protocol` where the frame is none. */
export function decodeDeltaTask({ frame, base, kind, ids, lengths }: DecodeDelta): Answer<DecodedFrame> {
  const dictionary = base instanceof Uint8Array ? base : gatherPieces(base, false);
  const targets = Array.from(lengths, (length, n) => ({ kind, id: ids.subarray(n * 32, n * 32 + 32), length }));
  const value = decodeFrame(frame, dictionary, targets);
  if (dictionary !== base) release(dictionary);
  const buffer = value.raw?.buffer;
  // A small one may lie in the pool that others share, and is copied.
  return { value, transfer: buffer instanceof ArrayBuffer && buffer.byteLength > LARGE ? [buffer] : [] };
}

/** Raw bytes that a frame and its base take at most, usually far less. */
const TASK_BYTES = 1024 * 1024;
/** Deltas of one stream that a worker gets in a row: neighbours lie in the same blocks, which it has decoded then. */
const RUN = 8;

export interface DeltaRun {
  worker: number;
  left: number;
}

export class DeltaWorkers {
  readonly #runner: Runner;
  /** By worker. */
  readonly #slots: { slots: Slots; waiting: number }[];

  constructor(runner: Runner) {
    this.#runner = runner;
    this.#slots = Array.from({ length: runner.size }, () => ({
      slots: new Slots(TASKS_PER_WORKER, Math.max(2 * TASK_BYTES, BYTES_IN_FLIGHT / runner.size)),
      waiting: 0,
    }));
  }

  /** Places are looked up when there is room for the task. `run` belongs to one stream of deltas. */
  async encode(
    targets: ObjectRef[],
    base: BasePiece[],
    locate: (ref: ObjectRef) => ChunkPlace,
    run: DeltaRun,
  ): Promise<Uint8Array | undefined> {
    if (!withinCounts(targets, base)) return undefined;
    return this.#on(run, TASK_BYTES, async (worker) => {
      const kind = targets[0].kind as 0 | 1;
      const input = {
        kind,
        targets: listPieces(kind, targets, locate),
        base: listPieces(base[0].kind as 0 | 1, base, locate),
      };
      return (await this.#runner.run(worker, 'encodeDelta', input)).frame;
    });
  }

  /** `base` is called when there is room for the task; it answers with what the worker reads, or with the bytes. */
  decode(
    { kind, targets, frame }: Pick<DeltaInput, 'kind' | 'targets' | 'frame'>,
    bytes: number,
    base: () => DecodeDelta['base'],
    run: DeltaRun,
  ): Promise<DecodedFrame> {
    return this.#on(run, bytes, (worker) =>
      this.#runner.run(worker, 'decodeDelta', {
        // Of its own: a view would take all that it is a view of along.
        frame: new Uint8Array(frame),
        base: base(),
        kind,
        ids: new Uint8Array(Buffer.concat(targets.map(({ id }) => id))),
        lengths: Uint32Array.from(targets, ({ length }) => length),
      }),
    );
  }

  async #on<T>(run: DeltaRun, bytes: number, task: (worker: number) => Promise<T>): Promise<T> {
    if (run.left-- <= 0) {
      run.left = RUN - 1;
      run.worker = this.#idlest();
    }
    const { worker } = run;
    const mine = this.#slots[worker];
    mine.waiting++;
    try {
      return await mine.slots.run(bytes, () => task(worker));
    } finally {
      mine.waiting--;
    }
  }

  #idlest(): number {
    let best = 0;
    for (let n = 1; n < this.#slots.length; n++) if (this.#slots[n].waiting < this.#slots[best].waiting) best = n;
    return best;
  }
}
