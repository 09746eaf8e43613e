/** Keeps the log of a volset as it is while an answer is made of it: compaction must not thin what is still to be read. */
import { randomUUID } from 'node:crypto';
import type { VolsetId } from '../../core/ids.ts';
import type { DeltasPlan } from '../../meta/contract.ts';
import type { HubContext } from '../routes/route.ts';

/** A hub that dies leaves a pin for so many milliseconds. */
const PIN_MS = 60_000;

export interface Held {
  /** The same bytes; nothing is held any more when they end, or when the reader goes. */
  during(bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array>;
  release(): Promise<void>;
}

/**
 * An answer made of generations, `plan` says which. Where there are several they may be read in pages, at the reader's
 * pace: they are planned anew once nothing of them can be thinned out.
 */
export async function answerHeld(
  context: Pick<HubContext, 'meta' | 'now'>,
  { volset, signal }: { volset: VolsetId; signal: AbortSignal },
  plan: () => Promise<DeltasPlan>,
  encode: (plan: DeltasPlan) => Promise<AsyncGenerator<Uint8Array>>,
): Promise<AsyncGenerator<Uint8Array>> {
  const planned = await plan();
  if (planned.generations < 2) return encode(planned);
  const held = await hold(context, volset, signal);
  try {
    return held.during(await encode(await plan()));
  } catch (error) {
    await held.release();
    throw error;
  }
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
