/** Checks blocks that came from elsewhere, on all cores: frame, lengths, checksum and every object's hash. */
import { openBlock, verifyObjects } from '../block.ts';
import { CODEC } from '../format.ts';
import { release } from '../release.ts';
import { BYTES_IN_FLIGHT, TASKS_PER_WORKER } from './limits.ts';
import type { Answer, Runner } from './protocol.ts';
import { Slots } from './slots.ts';

/** Worker side. */
export function verifyBlockTask(input: { bytes: Uint8Array }): Answer<{ bytes: Uint8Array }> {
  const block = openBlock(input.bytes);
  verifyObjects(block);
  // Of a raw block these are the bytes that go back.
  if (block.codec !== CODEC.raw) release(block.raw);
  const { buffer } = input.bytes;
  return { value: { bytes: input.bytes }, transfer: buffer instanceof ArrayBuffer ? [buffer] : [] };
}

export class BlockVerifier {
  readonly #runner: Runner;
  readonly #slots: Slots;

  constructor(runner: Runner) {
    this.#runner = runner;
    this.#slots = new Slots(runner.size * TASKS_PER_WORKER, BYTES_IN_FLIGHT);
  }

  /**
   * Takes `bytes` over (they may not be used afterwards) and answers with the same bytes, which are one sound block:
   * `parseHeader` needs no further check. Throws `integrity` or `protocol`. Waits while too much is in flight.
   */
  verify(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#slots.run(bytes.length, async () => {
      const whole = ownBuffer(bytes);
      const { bytes: back } = await this.#runner.run(this.#runner.idlest(), 'verifyBlock', { bytes: whole }, [
        whole.buffer,
      ]);
      return back;
    });
  }
}

/** Only whole buffers can move; a view of a larger one (a tar stream's chunk) is copied. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return whole ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
