/** `plait verify --repair`: metadata first, before anybody has it open, then the rest on the opened store. */

import type { Outcome } from '../sync/engine.ts';
import { repairMetadata } from '../sync/repair/metadata.ts';
import { inspectStore, type RepairResult } from '../sync/repair/outcome.ts';
import { repairStore } from '../sync/repair/repair.ts';
import type { Repaired } from '../sync/repair/report.ts';
import { formatFault, writeFormat } from '../sync/store.ts';
import type { VerifyOptions } from '../sync/verify.ts';
import type { Context } from './context.ts';
import { storeOptions } from './open-engine.ts';
import { locateDamaged } from './open-for-verify.ts';

export async function repair(context: Context, options: VerifyOptions): Promise<Outcome<RepairResult>> {
  const { store } = locateDamaged(context);
  // Settings were read from it: closed, or it would clear away what is put in its place.
  context.reopen();
  const settings = storeOptions(context);
  const before: Repaired[] = [];
  if (formatFault(store) !== undefined) {
    writeFormat(store, settings.world);
    before.push({ what: 'the file `format` of the store was written again', volset: null });
  }
  before.push(...(await repairMetadata(store, { ...settings, signal: context.signal })));
  const engine = await context.engine();
  const { repaired, lost } = await repairStore(engine);
  return inspectStore(engine, options, { repaired: [...before, ...repaired], lost });
}
