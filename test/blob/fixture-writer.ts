/**
 * Run as a child process: `node fixture-writer.ts <store> <count> <seed> <finish|hang|upload>`. Writes `count` chunks of
 * noise; `finish` publishes them, `hang` and `upload` say "ready" and wait to be killed with them unfinished.
 */
import { openDiskBlobs } from '../../src/blob/index.ts';
import { KIND } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { blockOf } from '../conformance/block-of.ts';
import { noise } from './noise.ts';

const [, , dir, count, seed, mode] = process.argv;
const volset = 'a'.repeat(32) as VolsetId;
const chunks = Array.from({ length: Number(count) }, (_, n) => noise(Number(seed) + n, 20_000));
const store = await openDiskBlobs(dir, { workers: 1 });
if (mode === 'upload') {
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
if (mode !== 'finish') {
  process.stdout.write('ready\n');
  setInterval(() => {}, 1000);
}
