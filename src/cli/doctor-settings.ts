/** What a doctor goes by, wherever it looks: for `plait doctor`, and beside a hub. */
import type { DoctorOptions } from '../sync/doctor/checks.ts';
import { parseDuration, parseSize } from './units.ts';

export const MAX_AGE_MS = 26 * 3_600_000;

/** `values` were checked when they were set. */
export function doctorSettings({
  'doctor.scrub-age': scrubAge,
  'doctor.min-free': minFree,
}: Record<string, string>): Pick<DoctorOptions, 'scrubAgeMs' | 'minFree'> {
  return {
    ...(scrubAge !== undefined && { scrubAgeMs: parseDuration(scrubAge) }),
    ...(minFree !== undefined && { minFree: parseSize(minFree) }),
  };
}
