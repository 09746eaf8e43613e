import assert from 'node:assert/strict';
import { KIND, type Kind } from '../../src/core/hash.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import { type DiffEvent, readBlobDiff } from '../../src/transfer/blob-diff.ts';
import { TRANSFER_LIMITS } from '../../src/transfer/diff-format.ts';
import { restOf } from '../../src/transfer/part-again.ts';
import { PartBuilder } from '../../src/transfer/parts.ts';
import { MAX_HAVE_IDS } from '../../src/wire/limits.ts';
import { each } from './support/parts.ts';
import { blocksOf, VOLSET } from './support/stores.ts';

const idOf = (n: number): Uint8Array => {
  const id = Buffer.alloc(32);
  id.writeUInt32LE(n);
  return id;
};
const blockOf = (kind: Kind, first: number, count: number): Uint8Array =>
  blocksOf(Array.from({ length: count }, (_, n) => ({ kind, id: idOf(first + n), bytes: Buffer.from('x') })))[0];
const SNAPSHOT = { id: '1'.padStart(64, '0') as SnapshotId, base: null };

describe('transfer: a part that has to be repeated', () => {
  const chunks = [blockOf(KIND.chunk, 0, 3), blockOf(KIND.chunk, 10, 2)];
  const nodes = blockOf(KIND.node, 20, 2);
  const body = blockOf(KIND.snapshot, 30, 1);

  /** What goes again where the peer holds these; and how often it was asked. */
  async function again(held: ReadonlySet<number>): Promise<DiffEvent[]> {
    const builder = new PartBuilder(VOLSET);
    for (const block of [...chunks, nodes, body]) builder.addBlock(block);
    builder.addDelta({ kind: KIND.chunk, bytes: Buffer.from('a delta') }, SNAPSHOT, 0, false);
    builder.addMarker(SNAPSHOT, 0, Buffer.from('body'));
    const rest = await restOf(builder.build(), async (kind, ids) => {
      const asked = Array.from({ length: ids.length / 32 }, (_, n) => Buffer.from(ids).readUInt32LE(n * 32));
      assert.ok(asked.every((id) => (id < 20 ? KIND.chunk : KIND.node) === kind));
      return Uint8Array.from(asked, (id) => (held.has(id) ? 1 : 0));
    });
    return Array.fromAsync(readBlobDiff(each(rest), TRANSFER_LIMITS));
  }
  const blocksIn = (events: DiffEvent[]): Buffer[] =>
    events.flatMap((event) => (event.entry === 'block' ? [Buffer.from(event.bytes)] : []));

  const CASES: [string, number[], Uint8Array[]][] = [
    ['nothing is there', [], [...chunks, nodes, body]],
    ['a block is there', [0, 1, 2], [chunks[1], nodes, body]],
    ['all of a block but one object is there', [0, 1, 10, 11, 21], [chunks[0], nodes, body]],
    ['all is there', [0, 1, 2, 10, 11, 20, 21], [body]],
  ];
  for (const [what, held, left] of CASES) {
    it(`${what}: the blocks that are not whole there go, and all that is no block`, async () => {
      const events = await again(new Set(held));
      assert.deepEqual(
        blocksIn(events),
        left.map((block) => Buffer.from(block)),
      );
      const others = events.filter(({ entry }) => entry !== 'block').map(({ entry }) => entry);
      assert.deepEqual(others, ['header', 'delta', 'snapshot', 'trailer']);
    });
  }

  it('asks for no more at once than a peer answers', async () => {
    const builder = new PartBuilder(VOLSET);
    builder.addBlock(blockOf(KIND.chunk, 0, MAX_HAVE_IDS + 1));
    const asked: number[] = [];
    const rest = await restOf(builder.build(), async (_, ids) => {
      asked.push(ids.length / 32);
      return new Uint8Array(ids.length / 32).fill(1);
    });
    assert.deepEqual(asked, [MAX_HAVE_IDS, 1]);
    assert.deepEqual(blocksIn(await Array.fromAsync(readBlobDiff(each(rest), TRANSFER_LIMITS))), []);
  });
});
