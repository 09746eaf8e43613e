/** From pieces at hand to a stream that lets others live: small ones are gathered, and between them others get their turn. */
import { Breath } from './breath.ts';

/** Smaller ones go together, up to this many bytes. */
const GATHERED = 64 * 1024;

/** Takes the next pieces only once those before are taken. */
export async function* paced(pieces: Iterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const breath = await Breath.first(signal);
  let small: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    small.push(piece);
    bytes += piece.length;
    if (bytes >= GATHERED) {
      // A large one is not copied; what came before it goes first.
      const large = piece.length >= GATHERED ? small.pop() : undefined;
      if (small.length > 0) yield Buffer.concat(small);
      if (large) yield large;
      small = [];
      bytes = 0;
    }
    if (breath.due) await breath.take();
  }
  if (bytes > 0) yield Buffer.concat(small);
}
