/**
 * Pushes and clones of a large tree, each killed on either side or cut ten times at random moments. PLAIT_SOAK_TREE
 * names a tree to copy (else data is made), PLAIT_SOAK_MOMENTS how many moments of each verb (100), PLAIT_SEED a seed.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { CutLine } from '../e2e/helpers/cut-line.ts';
import { Lab } from '../e2e/helpers/lab.ts';
import {
  againPerCut,
  type CutPlan,
  cleanBytes,
  cutClone,
  cutPush,
  type Figures,
  makeBulk,
} from '../e2e/helpers/transfer-cuts.ts';
import { Random, replayedSeed } from '../support/seed.ts';

const EACH = 10;
const PARALLEL = 4;
const MADE_BYTES = 500_000_000;

describe('soak: a large push and a large clone, cut and killed', () => {
  const seed = replayedSeed ?? randomInt(2 ** 31);
  const tree = process.env['PLAIT_SOAK_TREE'];
  const rounds = Math.ceil(Number(process.env['PLAIT_SOAK_MOMENTS'] ?? 100) / EACH);
  let lab: Lab;
  let plan: CutPlan;
  let clean: { push: number; clone: number };
  before(async () => {
    lab = new Lab({ timeout: 0 });
    const work = await lab.volume('work');
    if (tree === undefined) makeBulk(work, MADE_BYTES);
    else execFileSync('cp', ['-a', '--reflink=auto', `${tree}/.`, work]);
    await lab.in('work', ['snapshot']);
    plan = { lab, random: new Random(seed), strikes: EACH, parallel: PARALLEL };
    clean = await cleanBytes(plan);
  });
  after(() => lab[Symbol.asyncDispose]());

  async function rounded(one: (name: string) => Promise<Figures>): Promise<void> {
    const all: Figures[] = [];
    try {
      for (let n = 0; n < rounds; n++) {
        all.push(await one(`${n}`));
        console.log(JSON.stringify(all.at(-1)));
      }
    } catch (error) {
      throw new Error(`PLAIT_SEED=${seed}, round ${all.length}`, { cause: error });
    }
    const struck = all.reduce((sum, figures) => sum + figures.struck, 0);
    assert.ok(struck >= rounds * EACH * 0.8, `only ${struck} hits; PLAIT_SEED=${seed}`);
    for (const figures of all) {
      const again = figures.through - figures.clean;
      const most = Math.min(figures.clean * 0.02, againPerCut(PARALLEL)) * figures.struck;
      assert.ok(again <= most, `PLAIT_SEED=${seed}: ${JSON.stringify(figures)}`);
    }
  }

  it('a push is complete after it was repeated, with at most 1.2 times the bytes for ten hits', () =>
    rounded((name) => cutPush(plan, clean.push, name)));

  it('so is a clone', async () => {
    await using line = await CutLine.start(lab);
    await lab.in('work', ['remote', 'add', 'origin', line.url]);
    await lab.in('work', ['push']);
    await rounded((name) => cutClone(plan, line, clean.clone, name));
  });
});
