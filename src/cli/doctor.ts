/** `plait doctor`: what its settings say. */

import type { DoctorResult } from '../sync/doctor/doctor.ts';
import type { Outcome } from '../sync/engine.ts';
import type { Context } from './context.ts';
import { parseDuration, parseSize } from './units.ts';

export async function doctorFromCli(context: Context, maxAgeMs: number): Promise<Outcome<DoctorResult>> {
  const engine = await context.metaEngine();
  const { doctor } = await import('../sync/doctor/doctor.ts');
  const { 'doctor.scrub-age': scrubAge, 'doctor.min-free': minFree } = (await context.findConfig())?.read() ?? {};
  return doctor(engine, {
    maxAgeMs,
    // Checked when they were set.
    scrubAgeMs: scrubAge === undefined ? undefined : parseDuration(scrubAge),
    minFree: minFree === undefined ? undefined : parseSize(minFree),
    packs: async () => (await context.engine()).blob.packs(),
  });
}
