/** A bounded share of test/soak/transfer-cuts.test.ts. */
import assert from 'node:assert/strict';
import { FIXED_SEED, Random, replayedSeed } from '../support/seed.ts';
import { CutLine } from './helpers/cut-line.ts';
import { Lab } from './helpers/lab.ts';
import { type CutPlan, cleanBytes, cutClone, cutPush, type Figures, makeBulk } from './helpers/transfer-cuts.ts';

const BYTES = 16_000_000;
/** Sent again after one hit, at most, by one stream that brings large blocks. */
const AGAIN = 6 * 1024 * 1024;

describe('e2e: a push and a clone that are cut and killed on their way', function () {
  this.timeout(240_000);
  let lab: Lab;
  let plan: CutPlan;
  let clean: { push: number; clone: number };
  before(async () => {
    lab = new Lab();
    makeBulk(await lab.volume('work'), BYTES);
    await lab.in('work', ['snapshot']);
    plan = { lab, random: new Random(replayedSeed ?? FIXED_SEED), strikes: 5, parallel: 1 };
    clean = await cleanBytes(plan);
  });
  after(() => lab[Symbol.asyncDispose]());

  function assertThrifty({ clean, through, struck, runs }: Figures): void {
    assert.ok(struck >= 3 && runs >= 2, `${struck} hits, ${runs} runs`);
    const most = clean + struck * AGAIN;
    assert.ok(through <= most, `${through} bytes instead of ${clean}, ${struck} hits`);
  }

  it('a push is complete in the end, and little is sent twice', async () => {
    assertThrifty(await cutPush(plan, clean.push, 'cut'));
  });

  it('so is a clone', async () => {
    await using line = await CutLine.start(lab);
    await lab.in('work', ['remote', 'add', 'origin', line.url]);
    await lab.in('work', ['push']);
    assertThrifty(await cutClone(plan, line, clean.clone, 'cut'));
  });
});
