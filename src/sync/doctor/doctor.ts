/** `plait doctor`: is everything that is to happen by itself still happening? Asks no remote and changes nothing. */
import { ERRORS, PlaitError } from '../../core/errors.ts';
import { listVolumes } from '../../volume/index.ts';
import { type MetaEngine, type Outcome, outcome } from '../engine.ts';
import { type CheckRow, type DoctorOptions, type Look, right, wrong } from './checks.ts';
import { conflictCheck, divergedCheck, queueCheck, remoteChecks, snapshotChecks } from './replication.ts';
import { clockCheck, damageCheck, directoryChecks, diskCheck, identityCheck, scrubCheck } from './store.ts';

export interface DoctorResult {
  ok: boolean;
  checks: CheckRow[];
}

type Check = (look: Look) => CheckRow | CheckRow[] | Promise<CheckRow>;

/** In the order of their telling. The name is for one that fails itself. */
const CHECKS: [name: string, check: Check][] = [
  ['snapshot', snapshotChecks],
  ['remotes', remoteChecks],
  ['queue', queueCheck],
  ['conflicts', conflictCheck],
  ['diverged', divergedCheck],
  ['directories', directoryChecks],
  ['damage', damageCheck],
  ['scrub', scrubCheck],
  ['disk', diskCheck],
  ['clock', clockCheck],
  ['identity', identityCheck],
  ['clone', cloneCheck],
  ['format', formatCheck],
];

export async function doctor(engine: MetaEngine, options: DoctorOptions): Promise<Outcome<DoctorResult>> {
  const { meta, world } = engine;
  const look: Look = { engine, options, now: world.now(), stamps: meta.stamps(), volumes: listVolumes(engine.dir) };
  const checks: CheckRow[] = [];
  for (const [name, check] of CHECKS) {
    engine.signal.throwIfAborted();
    checks.push(...(await rowsOf(name, check, look)));
  }
  const ok = checks.every((row) => row.ok);
  return outcome({ ok, checks }, !ok && ERRORS.doctor.exit);
}

/** What cannot be looked at is a finding, and no reason to leave out the others. */
async function rowsOf(name: string, check: Check, look: Look): Promise<CheckRow[]> {
  try {
    return [await check(look)].flat();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const hint = error instanceof PlaitError ? error.hint : undefined;
    return [wrong(name, error.message, hint ?? 'see `plait verify`')];
  }
}

/** The command line keeps the mark while a clone is not finished. */
function cloneCheck({ engine: { meta } }: Look): CheckRow[] {
  return meta.settings()['clone.unfinished'] === undefined
    ? []
    : [wrong('clone', 'it was cut off', 'run the same `plait clone` again: it goes on from there')];
}

function formatCheck({ options: { isOldFormat } }: Look): CheckRow {
  return isOldFormat?.()
    ? wrong('format', 'an older one, which can only be read', 'bring it up to date with `plait migrate`')
    : right('format', 'current');
}
