/** `plait doctor`: what its settings say. */

import { PlaitError } from '../core/errors.ts';
import type { DoctorResult } from '../sync/doctor/doctor.ts';
import type { Outcome } from '../sync/engine.ts';
import { openMetaToWrite } from '../sync/store.ts';
import type { Context } from './context.ts';
import { doctorSettings } from './doctor-settings.ts';
import { storeOptions } from './open-engine.ts';

export async function doctorFromCli(context: Context, maxAgeMs: number): Promise<Outcome<DoctorResult>> {
  const engine = await context.metaEngine();
  const { doctor } = await import('../sync/doctor/doctor.ts');
  return doctor(engine, {
    ...doctorSettings((await context.findConfig())?.read() ?? {}),
    maxAgeMs,
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
