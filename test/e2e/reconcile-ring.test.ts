import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Random, replayedSeed } from '../support/seed.ts';
import { Lab } from './helpers/lab.ts';
import { assertNothingLost, type Ring, ringStep } from './helpers/ring.ts';
import { assertEqualStores, assertQuiet, syncUntilQuiet } from './helpers/stores.ts';

const STEPS = 24;

describe('e2e: three stores and two hubs in a ring', function () {
  this.timeout(300_000);

  it('edits everywhere, syncs in random order: all equal in the end, nothing lost, then nothing to do', async () => {
    const seed = replayedSeed ?? 20_260_101;
    await using lab = new Lab();
    try {
      const ring = await makeRing(lab, new Random(seed));
      while (ring.step < STEPS) await ringStep(ring);
      await syncUntilQuiet(lab, ring.dirs, ring.remotes);
      const state = await assertEqualStores(lab, [...ring.dirs, ...ring.remotes]);
      assertNothingLost(ring, state);
      await assertQuiet(lab, ring.dirs, ring.remotes);
      const stores = ['h0', 'h1', 'a/.plait', 'b/.plait', 'c/.plait'];
      await Promise.all(stores.map((store) => lab.verify(lab.path(store))));
    } catch (error) {
      throw new Error(`PLAIT_SEED=${seed}`, { cause: error });
    }
  });

  async function makeRing(lab: Lab, random: Random): Promise<Ring> {
    const [h0, h1] = await Promise.all([lab.hub('h0'), lab.hub('h1')]);
    await lab.run(['init', lab.path('a'), '--volset', 'data']);
    writeFileSync(lab.path('a', 'file'), 'x');
    const base = (await lab.in('a', ['snapshot'])).snapshot;
    await lab.in('a', ['remote', 'add', 'h0', `${h0.url}/data`]);
    await lab.in('a', ['push', 'h0']);
    for (const dir of ['b', 'c']) {
      await lab.run(['clone', `${h0.url}/data`, dir]);
      await lab.in(dir, ['remote', 'rename', 'origin', 'h0']);
    }
    for (const dir of ['a', 'b', 'c']) {
      await lab.in(dir, ['remote', 'add', 'h1', `${h1.url}/data`]);
      await lab.in(dir, ['branch', 'create', `own-${dir}`]);
      await lab.in(dir, ['checkout', `own-${dir}`]);
    }
    const [dirs, remotes] = [
      ['a', 'b', 'c'],
      ['h0', 'h1'],
    ];
    const made = { standing: new Map<string, string>(), tips: new Map<string, string>(), base, step: 0 };
    await lab.in('a', ['push', 'h1']);
    assert.match(base, /^[0-9a-f]{64}$/);
    return { lab, random, dirs, remotes, ...made };
  }
});
