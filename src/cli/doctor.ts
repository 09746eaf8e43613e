/** `plait doctor`: what its settings say. */

import { PlaitError } from '../core/errors.ts';
import type { DoctorResult } from '../sync/doctor/doctor.ts';
import type { Outcome } from '../sync/engine.ts';
import { openMetaToWrite } from '../sync/store.ts';
import type { Context } from './context.ts';
import { storeOptions } from './open-engine.ts';
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
    isOldFormat: () => isOldFormat(context, engine.dir),
    packs: async () => (await context.engine()).blob.packs(),
  });
}

/** Who wants to write is refused at once. */
function isOldFormat(context: Context, dir: string): boolean {
  try {
    openMetaToWrite(dir, storeOptions(context))[Symbol.dispose]();
    return false;
  } catch (error) {
    if (error instanceof PlaitError && error.data?.migrate === true) return true;
    throw error;
  }
}
