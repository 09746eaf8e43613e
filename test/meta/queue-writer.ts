/** `node queue-writer.ts PATH ROUNDS`: accepts and settles items, and makes blobs complete, beside others who do the same. */
import { openMetaStore } from '../../src/meta/index.ts';
import { snapshotOf, V } from './helpers.ts';

const [path, rounds] = process.argv.slice(2);
using meta = openMetaStore({ path });
const remote = `of ${process.pid}`;
const [shared] = meta.snapshotPage(V, null, 1);
for (let i = 0; i < Number(rounds); i++) {
  // Ids that no other process makes.
  const { id } = snapshotOf([], { creator: `${process.pid} ${i}` });
  meta.setBlobs(V, [id]);
  meta.enqueue(V, remote, [{ snapshot: id, priority: 1 }], i);
  meta.enqueue(V, 'shared', [{ snapshot: shared, priority: 1 }], i);
  const [item] = meta.queue({ remote }, { limit: 1 });
  meta.settle(V, remote, [{ snapshot: item.snapshot, outcome: 'durable' }]);
  meta.seal({ volset: V, sender: meta.self.store, owner: remote }, { [id]: i + 1 }, []);
}
