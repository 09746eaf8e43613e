/** Run as a child process: `node fixture-collector.ts <store> <volset> <roots as JSON>`. Says each step, and is killed. */
import type { CollectRoot } from '../../src/blob/contract.ts';
import { openDiskBlobs } from '../../src/blob/index.ts';
import type { VolsetId } from '../../src/core/ids.ts';

const [, , dir, volset, list] = process.argv;
const roots = JSON.parse(list) as CollectRoot[];
const store = await openDiskBlobs(dir, { workers: 1 });
await store.collect({
  volsets: [volset as VolsetId],
  roots: (_, after) => {
    process.stdout.write('.');
    return roots.filter(({ number }) => number > after);
  },
  onProgress: () => process.stdout.write('.'),
});
await store[Symbol.asyncDispose]();
