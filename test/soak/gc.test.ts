import assert from 'node:assert/strict';
import { gcBeside } from '../e2e/helpers/gc-beside.ts';
import { Lab } from '../e2e/helpers/lab.ts';

const ROUNDS = Number(process.env['PLAIT_ROUNDS'] ?? 200);

describe('soak: gc beside a push, a pull, a snapshot and a clone', () => {
  it(`${ROUNDS} rounds`, async () => {
    await using lab = new Lab({ timeout: 300_000 });
    const figures = await gcBeside(lab, ROUNDS);
    console.log(`      ${JSON.stringify(figures)}`);
    assert.ok(figures.left <= 1.15 * figures.fresh, JSON.stringify(figures));
  });
});
