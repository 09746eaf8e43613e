/** The merge of derived views over thousands of schedules; PLAIT_SEED plays others. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WatermarkTracker } from '../../src/core/watermark.ts';
import { seeded } from '../support/seed.ts';
import { Broken, type Counts, type MakeTracker, type Plan, Schedule } from './watermark-model.ts';
import { HARMLESS, MUTANTS } from './watermark-mutants.ts';
import type { Value } from './watermark-peer.ts';

const plans: fc.Arbitrary<Plan> = fc.record({
  steps: fc.array(fc.nat(13), { minLength: 20, maxLength: 200, size: 'max' }),
  seed: fc.nat(),
  dated: fc.boolean(),
  tight: fc.boolean(),
});

const noCounts = (): Counts => ({ checks: 0, states: 0, stale: 0, resumed: 0, crashes: 0, stopped: 0, truncated: 0 });

const RUNS = 20_000;

describe('properties: derived views', () => {
  it('F1-F12 hold in every schedule', function () {
    this.timeout(120_000);
    const counts = noCounts();
    const make: MakeTracker = (options, from) => new WatermarkTracker<Value>(options, from);
    fc.assert(
      fc.property(plans, (plan) => new Schedule(plan, make, counts).run()),
      seeded(RUNS),
    );
    // The schedules do what they are for.
    for (const [what, n] of Object.entries(counts)) assert.ok(n > RUNS / 20, `${what}: ${n}`);
  });

  for (const { name, tracker } of HARMLESS) {
    it(`take ${name} for sound`, () => {
      const make: MakeTracker = (options, from) => new tracker(options, from);
      fc.assert(
        fc.property(plans, (plan) => new Schedule(plan, make, noCounts()).run()),
        seeded(RUNS / 10),
      );
    });
  }

  for (const { name, tracker, noticed } of MUTANTS) {
    it(`notice the fault ${name}`, function () {
      this.timeout(120_000);
      const make: MakeTracker = (options, from) => new tracker(options, from);
      const result = fc.check(
        fc.property(plans, (plan) => new Schedule(plan, make, noCounts()).run()),
        { ...seeded(RUNS), endOnFailure: true },
      );
      assert.ok(result.failed, 'nothing noticed it');
      const { errorInstance: error } = result;
      assert.ok(error instanceof Broken, String(error));
      assert.ok(noticed.includes(error.message.split(' ')[0]), error.message);
    });
  }
});
