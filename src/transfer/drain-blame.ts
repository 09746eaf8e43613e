import { PlaitError } from '../core/errors.ts';

/**
 * Whom the failure of a part concerns: the snapshots whose data is in it, nobody (the upload has to be agreed to anew), or
 * all that is under way. `acknowledged`: the upload has got on, so that agreeing to it anew is no endless circle.
 */
export function blameOf(error: unknown, acknowledged: boolean): 'part' | 'nobody' | 'all' {
  if (!(error instanceof PlaitError)) return 'all';
  const { code } = error;
  if (code === 'quota' || code === 'no-space' || code === 'integrity' || code === 'protocol') return 'part';
  // The token has expired, or the peer has forgotten the upload.
  if (acknowledged && (code === 'forbidden' || code === 'not-found')) return 'nobody';
  return 'all';
}
