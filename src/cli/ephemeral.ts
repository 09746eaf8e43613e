/** Stores for one job: they never close a generation of their own, so a hub does not remember each of a thousand jobs. */
import { PlaitError } from '../core/errors.ts';
import type { Context } from './context.ts';
import { parseBoolean } from './units.ts';

/** PLAIT_EPHEMERAL, for every store that a run makes. Throws `bad-config`. */
export function wantsEphemeral({ io }: Pick<Context, 'io'>): boolean {
  const text = io.env.PLAIT_EPHEMERAL;
  if (!text) return false;
  try {
    return parseBoolean(text);
  } catch (cause) {
    throw new PlaitError('bad-config', `bad value in PLAIT_EPHEMERAL: ${(cause as Error).message}`, {
      hint: 'write PLAIT_EPHEMERAL=1, or unset it',
      cause,
    });
  }
}

/** What a hub took in could not leave it again. */
export function refuseEphemeral(store: string, self: { ephemeral: boolean }): void {
  if (!self.ephemeral) return;
  throw new PlaitError('usage', `${store} is an ephemeral store, which cannot be served`, {
    hint: 'serve another directory: a new store is made there',
  });
}
