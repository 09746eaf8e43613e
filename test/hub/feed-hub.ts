/** A hub in a process of its own, run with --expose-gc: answers each message with what it holds after a collection. */
import { RealHub } from './real-hub.ts';

const real = await RealHub.start({ limits: { followers: 10_000, tokenFollowers: 10_000 } });

/** Bytes. Twice: the first collection only starts to give back the memory of buffers. */
function held(): number {
  for (let n = 0; n < 2; n++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

process.on('message', (message) => {
  if (message === 'held') process.send?.({ held: held() });
  else void real[Symbol.asyncDispose]().then(() => process.disconnect?.());
});
process.send?.({ url: real.hub.url, dir: real.dir });
