/** Followers over thousands of schedules; PLAIT_SEED plays others. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { beginFollow, type FollowState } from '../../src/core/follow.ts';
import { type InstallId, storeId } from '../../src/core/ids.ts';
import { Random, seeded } from '../support/seed.ts';
import { Broken } from './follow-checks.ts';
import { World } from './follow-model.ts';
import { BACK_OFF_MUTANTS, MUTANTS } from './follow-mutants.ts';
import { type Counts, type Plan, RULES, type Rules } from './follow-plan.ts';

const plans: fc.Arbitrary<Plan> = fc.record({
  steps: fc.array(fc.nat(17), { minLength: 20, maxLength: 200, size: 'max' }),
  seed: fc.nat(),
  once: fc.constantFrom(false, false, false, true),
});
const noCounts = (): Counts => ({ resumed: 0, states: 0, applied: 0, crashes: 0, stopped: 0, lacking: 0, renewed: 0 });
const RUNS = 12_000;

const schedules = (rules: Rules, counts = noCounts()) =>
  fc.property(plans, (plan) => new World(plan, rules, counts).run());

const STORE = storeId('a1'.repeat(16) as InstallId, 1);
const LOST = { code: 'network', message: 'cut' } as const;

/** Connections that last so long before they are lost; null: not even opened. */
const connections = fc.array(fc.oneof(fc.constant(null), fc.nat(59_999), fc.integer({ min: 60_000, max: 90_000 })), {
  minLength: 1,
  maxLength: 15,
});

/** How long after each loss the next attempt is made, against what the rules say. */
function checkBackOff({ take, decide }: Rules, lasted: (number | null)[], seed: number): void {
  const random = new Random(seed);
  const draw = (): number => random.below(1000) / 1000;
  let [now, failures] = [0, 0];
  let state: FollowState = beginFollow({ store: STORE, revision: 5 }, { once: false });
  const attempt = (): void => {
    for (;;) {
      const next = decide(state, now);
      state = next.state;
      if (next.action.do === 'open') return;
      assert.ok(next.action.do === 'wait' && next.action.until !== null && next.action.until > now);
      now = next.action.until;
    }
  };
  attempt();
  for (const ms of lasted) {
    const tried = now;
    if (ms === null) state = take(state, { input: 'refused', error: LOST }, now, draw);
    else {
      state = take(state, { input: 'opened', store: STORE, after: 5, head: 5 }, now, draw);
      now += ms;
      state = take(state, { input: 'failed', of: 'feed', error: LOST }, now, draw);
    }
    if (ms !== null && ms >= 60_000) failures = 0;
    const longest = Math.min(30_000, 500 * 2 ** failures++);
    const lost = now;
    attempt();
    const earliest = Math.max(lost + longest / 2, tried + 500);
    if (now < earliest || now > Math.max(lost + longest, tried + 500)) throw new Broken(`F14 ${now - lost} ms`);
  }
}

const backOffs = (rules: Rules) =>
  fc.property(connections, fc.nat(), (lasted, seed) => checkBackOff(rules, lasted, seed));

function expectNoticed<T>(property: fc.IProperty<T>, noticed: string[]): void {
  const result = fc.check(property, { ...(seeded(RUNS) as fc.Parameters<T>), endOnFailure: true });
  assert.ok(result.failed, 'nothing noticed it');
  const { errorInstance: error } = result;
  assert.ok(error instanceof Broken, String(error));
  assert.ok(noticed.includes(error.message.split(' ')[0]), error.message);
}

describe('properties: followers', () => {
  it('what is here is what is said of it, in every schedule', function () {
    this.timeout(120_000);
    const counts = noCounts();
    fc.assert(schedules(RULES, counts), seeded(RUNS));
    // The schedules do what they are for.
    for (const [what, n] of Object.entries(counts)) assert.ok(n > RUNS / 20, `${what}: ${n}`);
  });

  it('the back-off doubles up to 30 s, and begins again after a minute of health', () => {
    fc.assert(backOffs(RULES), seeded(1000));
  });

  for (const { name, rules, noticed } of MUTANTS)
    it(`notice the fault: ${name}`, function () {
      this.timeout(120_000);
      expectNoticed(schedules(rules), noticed);
    });
  for (const { name, rules, noticed } of BACK_OFF_MUTANTS)
    it(`notice the fault: ${name}`, () => expectNoticed(backOffs(rules), noticed));
});
