import assert from 'node:assert/strict';
import { restartUnderLoad } from '../e2e/helpers/restart-load.ts';

const CLIENTS = Number(process.env['PLAIT_CLIENTS'] ?? 20);
const RESTARTS = Number(process.env['PLAIT_RESTARTS'] ?? 50);

describe('soak: a hub restarted under load', () => {
  it(`${CLIENTS} clients push while the hub is killed and stopped ${RESTARTS} times`, async () => {
    const report = await restartUnderLoad(CLIENTS, RESTARTS);
    process.stdout.write(`      ${report.pushes} pushes, ${report.again} of them run again\n`);
    assert.equal(report.restarts, RESTARTS);
  });
});
