/** Compresses what came as deltas into blocks, on all cores. */
import type { Kind } from '../../core/hash.ts';
import { BlockBuilder } from '../block-builder.ts';
import { ID_BYTES } from '../format.ts';
import { BYTES_IN_FLIGHT, TASKS_PER_WORKER } from './limits.ts';
import type { Answer, Runner } from './protocol.ts';
import { Slots } from './slots.ts';

/** Objects of one block: all ids, and all bytes, one behind the other. */
export interface RawBlock {
  kind: Kind;
  ids: Uint8Array;
  lengths: Uint32Array;
  raw: Uint8Array;
}

export function buildBlock({ kind, ids, lengths, raw }: RawBlock): Buffer {
  const builder = new BlockBuilder(kind);
  let at = 0;
  for (const [n, length] of lengths.entries()) {
    builder.add(ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES), raw.subarray(at, at + length));
    at += length;
  }
  return builder.encode();
}

/** Worker side. */
export function encodeBlockTask(input: RawBlock): Answer<Uint8Array> {
  const value = buildBlock(input);
  return { value, transfer: [value.buffer as ArrayBuffer] };
}

export class BlockEncoder {
  readonly #runner: Runner;
  readonly #slots: Slots;

  constructor(runner: Runner) {
    this.#runner = runner;
    this.#slots = new Slots(runner.size * TASKS_PER_WORKER, BYTES_IN_FLIGHT);
  }

  /** Takes `raw` over. */
  encode(block: RawBlock): Promise<Uint8Array> {
    const { buffer } = block.raw;
    const transfer = buffer instanceof ArrayBuffer ? [buffer] : [];
    return this.#slots.run(block.raw.length, () =>
      this.#runner.run(this.#runner.idlest(), 'encodeBlock', block, transfer),
    );
  }
}
