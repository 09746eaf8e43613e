/**
 * Rules about one register, for generated histories (reconcile.md numbers them I1-I17): no lost update (I13), mirrored
 * sides (I14), pure, total and idempotent (I15), and that exchanging until quiet ends (I17).
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { byStampAndId, follows, type KnownWrite } from '../../src/core/heads.ts';
import type { StoreId, WriteId } from '../../src/core/ids.ts';
import { type Decision, type Policy, reconcile, resolutionOf } from '../../src/core/reconcile.ts';
import { recordId } from '../../src/core/records.ts';
import { Random, replayedSeed, seeded } from '../support/seed.ts';
import { histories, lookupIn } from '../support/writes.ts';
import { RegisterStores, type Round } from './register-model.ts';

const store = `${'1'.repeat(32)}.1` as StoreId;
const policies = fc.constantFrom<Policy | undefined>('target', 'current', 'newest', undefined);
/** A history, two of its writes (or none on a side), and which of the rest are still known. */
const meetings = fc
  .record({
    writes: histories,
    a: fc.option(fc.nat()),
    b: fc.option(fc.nat()),
    gone: fc.array(fc.nat(), { maxLength: 3 }),
  })
  .map(({ writes, a, b, gone }) => {
    const pick = (n: number | null): KnownWrite | undefined => (n === null ? undefined : writes[n % writes.length]);
    const [current, target] = [pick(a), pick(b)];
    const dropped = gone.map((n) => writes[n % writes.length]);
    const known = writes.filter((write) => write === current || write === target || !dropped.includes(write));
    return { current, target, lookup: lookupIn(known) };
  });

const MIRRORED: Record<string, string> = { 'use-current': 'use-target', 'use-target': 'use-current' };
const mirrorPolicy = (policy: Policy | undefined): Policy | undefined =>
  policy === 'target' ? 'current' : policy === 'current' ? 'target' : policy;
function mirror(decided: Decision): Decision {
  if (decided.decision === 'conflict')
    return { ...decided, chosen: decided.chosen === 'current' ? 'target' : 'current' };
  return { decision: MIRRORED[decided.decision] ?? decided.decision } as Decision;
}

/** The write that stands after the decision. */
function standing(decided: Decision, current: KnownWrite, target: KnownWrite): KnownWrite {
  if (decided.decision === 'use-target') return target;
  if (decided.decision === 'use-current') return current;
  if (decided.decision !== 'conflict' || !decided.resolution) {
    return byStampAndId(current, target) > 0 ? current : target;
  }
  const write = resolutionOf('volset:description', current, target, decided.chosen, store);
  return { ...write, id: recordId(write) as WriteId };
}

describe('properties: deciding one register', () => {
  it('I13: the value that does not stand is recorded, or was known to who replaced it', () => {
    fc.assert(
      fc.property(meetings, policies, ({ current, target, lookup }, policy) => {
        const decided = reconcile(current, target, policy, lookup);
        if (current === undefined || target === undefined) return;
        const result = standing(decided, current, target);
        for (const side of [current, target]) {
          const isThere = result.value === side.value || result.id === side.id || follows(result, side, lookup);
          assert.ok(decided.decision === 'conflict' || isThere);
        }
        if (decided.decision === 'conflict')
          assert.equal(result.value, (decided.chosen === 'current' ? current : target).value);
      }),
      seeded(2000),
    );
  });
  it('I14: swapping the sides and the policy mirrors the decision and makes the same write', () => {
    fc.assert(
      fc.property(meetings, policies, ({ current, target, lookup }, policy) => {
        const decided = reconcile(current, target, policy, lookup);
        const swapped = reconcile(target, current, mirrorPolicy(policy), lookup);
        assert.deepEqual(swapped, mirror(decided));
        if (current && target)
          assert.equal(standing(decided, current, target).id, standing(swapped, target, current).id);
      }),
      seeded(2000),
    );
  });
  it('I15: pure and total; deciding again decides nothing new', () => {
    fc.assert(
      fc.property(meetings, policies, policies, ({ current, target, lookup }, policy, later) => {
        for (const write of [current, target]) if (write) Object.freeze(write.parents) && Object.freeze(write);
        const decided = reconcile(current, target, policy, lookup);
        assert.deepEqual(reconcile(current, target, policy, lookup), decided);
        if (current === undefined || target === undefined) return;
        const result = standing(decided, current, target);
        const again = reconcile(result, target, policy, lookup);
        assert.ok(again.decision !== 'conflict' || !again.resolution);
        assert.equal(standing(again, result, target).id, result.id);
        // What a policy settled stays settled under another.
        if (result.resolution)
          assert.equal(standing(reconcile(result, target, later, lookup), result, target).value, result.value);
      }),
      seeded(2000),
    );
  });
});

describe('properties: exchanging until quiet ends (I17)', () => {
  const LIMIT = 40;
  const schedules: Round[] = ['ring', 'ring at once', 'ring with failures', 'random pairs', 'both ways'];
  for (const schedule of schedules) {
    for (const policy of ['target', 'current', 'newest', 'mixed'] as const) {
      it(`${schedule}, policy ${policy}`, () => {
        const seeds = replayedSeed === undefined ? Array.from({ length: 60 }, (_, i) => i + 1) : [replayedSeed];
        for (const seed of seeds) {
          const stores = new RegisterStores(new Random(seed), policy);
          stores.editAndExchange();
          const rounds = stores.exchangeUntilQuiet(schedule, LIMIT);
          assert.ok(rounds <= LIMIT, `PLAIT_SEED=${seed}: not quiet after ${LIMIT} rounds`);
          for (const fault of stores.faults()) assert.fail(`PLAIT_SEED=${seed}: ${fault}`);
        }
      });
    }
  }
});
