/** What a verify found, for `doctor` and a hub's metrics: whoever runs it from cron may never read what it printed. */
import { PlaitError } from '../../core/errors.ts';
import type { Stamp } from '../../meta/contract.ts';
import type { Engine } from '../engine.ts';

const WHAT = 'damage';
const NONE = 'none';

/** `sure`: all was read, so that what an earlier look found is there no more. */
export function noteDamage({ meta, world }: Engine, { found, sure }: { found: number; sure: boolean }): void {
  try {
    if (found === 0 && !(sure && foundAt(meta.stamps()) !== undefined)) return;
    const detail = found === 0 ? NONE : JSON.stringify({ found });
    meta.putStamp({ what: WHAT, volset: null, at: world.now(), detail });
  } catch (error) {
    // Metadata that is damaged itself: told by the checks of it.
    if (!(error instanceof PlaitError) || error.code !== 'integrity') throw error;
  }
}

/** When a verify found damage that no later one has seen mended. */
export function foundAt(stamps: readonly Stamp[]): number | undefined {
  const stamp = stamps.find(({ what, volset }) => what === WHAT && volset === null);
  return stamp === undefined || stamp.detail === NONE ? undefined : stamp.at;
}
