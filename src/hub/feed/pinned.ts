/** Keeps the log of a volset as it is while an answer is made of it: compaction must not thin what is still to be read. */
import { randomUUID } from 'node:crypto';
import type { VolsetId } from '../../core/ids.ts';
import type { HubContext } from '../routes/route.ts';

/** A hub that dies leaves a pin for so many milliseconds. */
const PIN_MS = 60_000;

export interface Held {
  /** The same bytes; nothing is held any more when they end, or when the reader goes. */
  during(bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array>;
  release(): Promise<void>;
}

/** Renewed until it is released or `signal` aborts. */
export async function hold(
  { meta, now }: Pick<HubContext, 'meta' | 'now'>,
  volset: VolsetId,
  signal: AbortSignal,
  pinMs = PIN_MS,
): Promise<Held> {
  const name = `state ${randomUUID()}`;
  await meta.pin(volset, name, now() + pinMs);
  let released: Promise<void> | undefined;
  // One that fails is tried again at the next turn; before it is too late there are two.
  const renew = (): Promise<void> => meta.pin(volset, name, now() + pinMs).catch(() => {});
  const timer = setInterval(() => void renew(), pinMs / 3).unref();
  const release = (): Promise<void> => {
    clearInterval(timer);
    released ??= meta.unpin(name);
    return released;
  };
  // Nobody waits for it, and what stays runs out by itself.
  const gone = (): void => void release().catch(() => {});
  signal.addEventListener('abort', gone, { once: true });
  if (signal.aborted) gone();
  return {
    release,
    during: async function* (bytes) {
      try {
        yield* bytes;
      } finally {
        await release();
      }
    },
  };
}
