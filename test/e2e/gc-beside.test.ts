import assert from 'node:assert/strict';
import { gcBeside } from './helpers/gc-beside.ts';
import { Lab } from './helpers/lab.ts';

const ROUNDS = 5;

describe('e2e: gc beside everything else', function () {
  this.timeout(300_000);

  it(`${ROUNDS} rounds: nothing dangles, nothing is sent again, and the space is that of a fresh store`, async () => {
    await using lab = new Lab();
    const { dropped, freed, left, fresh } = await gcBeside(lab, ROUNDS);
    assert.ok(dropped >= ROUNDS && freed > 0, `${dropped} dropped, ${freed} bytes freed`);
    assert.ok(left <= 1.15 * fresh, `${left} bytes are left, a fresh store takes ${fresh}`);
  });
});
