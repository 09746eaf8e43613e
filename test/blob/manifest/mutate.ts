/** Changes one node of a stored tree and gives every node above it its new id, as a hostile peer would. */
import { unhex } from '../../../src/core/hash.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { MemoryNodes } from './memory.ts';

/** Places in `bytes` where the id of a stored node stands, raw. */
function named(nodes: MemoryNodes, bytes: Buffer): { id: NodeId; at: number }[] {
  const text = bytes.toString('latin1');
  return [...nodes.nodes.keys()]
    .map((id) => ({ id, at: text.indexOf(unhex(id).toString('latin1')) }))
    .filter(({ at }) => at >= 0);
}

/** `pick` chooses among n possibilities: how deep to go, and where. Returns the new root. */
export function mutateTree(
  nodes: MemoryNodes,
  root: NodeId,
  pick: (n: number) => number,
  change: (bytes: Buffer) => Uint8Array,
): NodeId {
  const bytes = Buffer.from(nodes.readNode(root));
  const below = named(nodes, bytes);
  if (below.length === 0 || pick(4) === 0) return nodes.putNode(change(bytes));
  const { id, at } = below[pick(below.length)];
  unhex(mutateTree(nodes, id, pick, change)).copy(bytes, at);
  return nodes.putNode(bytes);
}
