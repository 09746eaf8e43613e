import { writeFileSync } from 'node:fs';
import { assertJobsLeaveNoTrace } from '../e2e/helpers/jobs.ts';
import { Lab } from '../e2e/helpers/lab.ts';

const JOBS = Number(process.env['PLAIT_JOBS'] ?? 100);

describe('soak: many throw-away stores', () => {
  it(`${JOBS} jobs from one cached ephemeral clone leave the vector of the hub as long as it was`, async () => {
    await using lab = new Lab();
    const hub = await lab.hub();
    await lab.volume('a', hub);
    writeFileSync(lab.path('a', 'file'), 'one');
    await lab.in('a', ['snapshot', '--push', 'origin']);
    await assertJobsLeaveNoTrace(lab, hub, 'a', JOBS);
    await lab.verify(hub.store);
  });
});
