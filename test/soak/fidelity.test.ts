import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, diskUsage, type Hub, Lab } from '../e2e/helpers/lab.ts';
import { makeSparse, noise } from '../e2e/helpers/trees.ts';

const GiB = 2 ** 30;

describe('soak: big things come out as they went in', () => {
  let lab: Lab;
  let hub: Hub;
  let work: string;
  beforeEach(async () => {
    lab = new Lab({ timeout: 0 });
    hub = await lab.hub();
    work = await lab.volume('work', hub);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const roundTrip = async () => {
    await lab.in('work', ['snapshot', '--push', 'origin'], [0, 3]);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    assert.equal((await lab.in('copy', ['snapshot', '--skip-unchanged'])).created, false);
  };

  it('a file of 3 GiB', async () => {
    const fd = openSync(join(work, 'big'), 'w');
    for (let i = 0; i < 192; i++) writeSync(fd, noise(16 << 20, i + 1));
    closeSync(fd);
    await roundTrip();
    assert.equal(statSync(lab.path('copy', 'big')).size, 3 * GiB);
  });

  it('a sparse file of 10 GiB', async () => {
    makeSparse(join(work, 'disk.img'), 10 * GiB, GiB);
    await roundTrip();
    assert.ok(statSync(lab.path('copy', 'disk.img')).blocks * 512 < 32 << 20);
    assert.ok(diskUsage(hub.store) < 32 << 20);
  });

  it('a tree of the system, /usr', async () => {
    execFileSync('cp', ['-a', '/usr/lib', '/usr/share', `${work}/`]);
    // Owners and setuid bits are not kept by default.
    execFileSync('chmod', ['-R', 'u-s,g-s', work]);
    await roundTrip();
    await lab.verify(hub.store);
  });
});
