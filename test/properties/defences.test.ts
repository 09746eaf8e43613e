import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Change, DEFENCES } from './defences.ts';
import { FLAVOURS } from './simulation/run.ts';
import { TRANSFER_DEFENCES } from './transfer-defences.ts';

const ROOT = join(import.meta.dirname, '../..');

/** They are tried by test/soak/defences.test.ts, which few run: here, that they can be made in the sources as they are. */
describe('defences', () => {
  for (const { name, flavour, changes } of DEFENCES) {
    it(name, () => {
      assert.ok(flavour in FLAVOURS, flavour);
      canBeMade(changes);
    });
  }

  for (const { name, test, grep, changes } of TRANSFER_DEFENCES) {
    it(name, () => {
      assert.ok(existsSync(join(ROOT, test)) && grep.length > 0, test);
      canBeMade(changes);
    });
  }

  it('each has its own name', () => {
    const all = [...DEFENCES, ...TRANSFER_DEFENCES];
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  });
});

function canBeMade(changes: Change[]): void {
  for (const { file, find, replace } of changes) {
    const found = readFileSync(join(ROOT, 'src', file), 'utf8').split(find).length - 1;
    assert.equal(found, 1, `${file}: ${find}`);
    assert.notEqual(find, replace);
  }
}
