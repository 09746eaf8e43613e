/** One look of a doctor at the store of a hub, opened by itself and for reading only. */
import { parentPort, workerData } from 'node:worker_threads';
import { listPacks } from '../blob/list-packs.ts';
import { PlaitError } from '../core/errors.ts';
import { silentReporter } from '../core/reporter.ts';
import type { CheckRow } from '../sync/doctor/checks.ts';
import { doctor } from '../sync/doctor/doctor.ts';
import { openMetaToRead } from '../sync/store.ts';
import { doctorSettings, MAX_AGE_MS } from './doctor-settings.ts';
import type { DoctorReply, DoctorWork } from './hub-doctor.ts';
import { worldOf } from './open-engine.ts';
import { storeConfig } from './store-config.ts';

const { dir, store } = workerData as DoctorWork;
const send = (reply: DoctorReply): void => parentPort?.postMessage(reply);

async function look(): Promise<CheckRow[]> {
  const world = worldOf();
  using meta = openMetaToRead(dir, { ...store, world });
  const engine = {
    dir,
    meta,
    world,
    reporter: silentReporter,
    signal: new AbortController().signal,
    lockWaitMs: store.lockWaitMs,
    openPeer: () => Promise.reject(new PlaitError('unexpected', 'a doctor asks no remote')),
  };
  const settings = doctorSettings(storeConfig(meta, dir).read());
  const { result } = await doctor(engine, { ...settings, maxAgeMs: MAX_AGE_MS, packs: () => listPacks(dir) });
  return result.checks;
}

try {
  send({ rows: await look() });
} catch (error) {
  send({ failed: error instanceof Error ? error.message : String(error) });
} finally {
  parentPort?.close();
}
