/**
 * What goes when a part has to be repeated because the network failed: blocks of it that came whole lie in the peer's
 * quarantine. Without this each cut would cost all parts in flight.
 */
import { KIND } from '../core/hash.ts';
import { MAX_HAVE_IDS } from '../wire/limits.ts';
import { idsOf, kindOf } from './block-ids.ts';
import { inBatches } from './negotiation.ts';
import type { Part } from './parts.ts';
import type { Have } from './select.ts';

/** @throws what asking throws */
export async function restOf(part: Pick<Part, 'blocks' | 'without'>, have: Have): Promise<Uint8Array[]> {
  const open = new Set<Uint8Array>();
  for (const kind of [KIND.chunk, KIND.node] as const) {
    const ids = part.blocks
      .filter((block) => kindOf(block) === kind)
      .flatMap((block) => idsOf(block).map((id) => ({ block, id })));
    for (const batch of inBatches(ids, MAX_HAVE_IDS)) {
      const held = await have(kind, Buffer.concat(batch.map(({ id }) => id)));
      for (const [n, { block }] of batch.entries()) if (held[n] !== 1) open.add(block);
    }
  }
  return part.without(new Set(part.blocks.filter((block) => !open.has(block))));
}
