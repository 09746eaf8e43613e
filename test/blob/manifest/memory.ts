/** Nodes in memory, counting what is read and put. */

import type { NodeSink, NodeSource } from '../../../src/blob/contract.ts';
import { PlaitError } from '../../../src/core/errors.ts';
import { nodeId } from '../../../src/core/hash.ts';
import type { NodeId } from '../../../src/core/ids.ts';

export class MemoryNodes implements NodeSource, NodeSink {
  readonly nodes = new Map<NodeId, Uint8Array>();
  reads = 0;
  /** Nodes put that were not there. */
  fresh = 0;

  readNode(id: NodeId): Uint8Array {
    this.reads++;
    const bytes = this.nodes.get(id);
    if (!bytes) throw new PlaitError('blob-absent', `no node ${id}`);
    return bytes;
  }

  putNode(bytes: Uint8Array): NodeId {
    const id = nodeId(bytes);
    if (!this.nodes.has(id)) this.fresh++;
    this.nodes.set(id, bytes);
    return id;
  }

  resetCounts(): void {
    this.reads = 0;
    this.fresh = 0;
  }
}
