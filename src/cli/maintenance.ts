/** Settings of maintenance that no flag has. */
import type { ConfigStore } from './config-store.ts';
import { parseDuration, parseSize } from './units.ts';

const RETIRE_AFTER_MS = 180 * 24 * 60 * 60 * 1000;
const SCRUB_BYTES = 10 * 1024 ** 3;

type Reader = Pick<ConfigStore, 'read'>;

/** Members that were not seen for so long are retired by compaction. */
export function retireAfter(config: Reader | undefined): number {
  const kept = config?.read()['members.retire-after'];
  return kept === undefined ? RETIRE_AFTER_MS : parseDuration(kept);
}

/** What one round of maintenance reads back of the packs. */
export function scrubBudget(config: Reader | undefined): number {
  const kept = config?.read()['maintain.scrub-budget'];
  return kept === undefined ? SCRUB_BYTES : parseSize(kept);
}
