/**
 * Run as a child process: `node fixture-writer.ts <store> <count> <seed> <mode>`. Writes `count` chunks of noise; `finish`
 * publishes them, `hang` and `upload` say "ready" and wait to be killed with them unfinished. `upload-synced` goes on
 * and tells how many blocks are durable; `upload-commit` says how many it received once it is in the midst of a commit
 * of every second.
 */
import { openDiskBlobs } from '../../src/blob/index.ts';
import { KIND, objectHash } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { blockOf } from '../conformance/block-of.ts';
import { noise } from './noise.ts';

const [, , dir, count, seed, mode] = process.argv;
const volset = 'a'.repeat(32) as VolsetId;
const chunks = Array.from({ length: Number(count) }, (_, n) => noise(Number(seed) + n, 20_000));
if (mode !== 'finish') setInterval(() => {}, 1000);
const store = await openDiskBlobs(dir, { workers: 1 });
if (mode === 'upload-synced') {
  const receiver = await store.receiver(volset, 'cut-upload');
  for (const [n, chunk] of chunks.entries()) {
    await receiver.addBlock(blockOf(KIND.chunk, [chunk]));
    void receiver.sync().then(() => process.stdout.write(`${n + 1}\n`));
    await new Promise((resolve) => setImmediate(resolve));
  }
} else if (mode === 'upload-commit') {
  const receiver = await store.receiver(volset, 'cut-upload');
  const some = chunks.slice(0, 30);
  for (const chunk of some) await receiver.addBlock(blockOf(KIND.chunk, [chunk]));
  for (let n = 0; n < some.length; n += 2) receiver.need(KIND.chunk, objectHash(KIND.chunk, some[n]));
  receiver.accept();
  await receiver.publish(() => {
    process.stdout.write('30\n');
    return new Promise(() => {});
  });
} else if (mode === 'upload') {
  const receiver = await store.receiver(volset, 'cut-upload');
  for (const chunk of chunks) await receiver.addBlock(blockOf(KIND.chunk, [chunk]));
} else {
  const writer = store.writer(volset);
  for (const chunk of chunks) writer.putObject(KIND.chunk, chunk);
  if (mode === 'finish') {
    await writer.finish();
    await writer[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  }
}
if (mode === 'hang' || mode === 'upload') process.stdout.write('ready\n');
