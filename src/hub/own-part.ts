/**
 * What a bearer who may not read is told of our vector: how far we are with its own store, and what it has shown to know.
 * Who names a generation of another store with its hash holds it already.
 */
import { type ChainId, installOf, type StoreId } from '../core/ids.ts';
import type { Vector } from '../core/records.ts';

export function ownPart(vector: Vector, self: StoreId, shown: Vector = {}): Vector {
  const part: Vector = {};
  for (const [chain, entry] of Object.entries(vector) as [ChainId, Vector[ChainId]][]) {
    const named = Object.hasOwn(shown, chain) ? shown[chain] : undefined;
    const known = named?.generation === entry.generation && named.hash === entry.hash;
    if (known || installOf(chain) === installOf(self)) part[chain] = entry;
  }
  return part;
}
