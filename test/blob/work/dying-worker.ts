/** A worker that dies when it is told to, or of a task that it does not know. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', ({ id, input }: { id: number; input: { bytes?: Uint8Array } }) => {
  if (input.bytes === undefined || Buffer.from(input.bytes).toString() === 'die') process.exit(3);
  parentPort?.postMessage({ id, value: 'alive' });
});
