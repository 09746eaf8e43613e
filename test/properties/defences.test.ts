import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFENCES } from './defences.ts';
import { FLAVOURS } from './simulation/run.ts';

const SRC = join(import.meta.dirname, '../../src');

/** They are tried by test/soak/defences.test.ts, which few run: here, that they can be made in the sources as they are. */
describe('defences', () => {
  for (const { name, flavour, changes } of DEFENCES) {
    it(name, () => {
      assert.ok(flavour in FLAVOURS, flavour);
      for (const { file, find, replace } of changes) {
        const found = readFileSync(join(SRC, file), 'utf8').split(find).length - 1;
        assert.equal(found, 1, `${file}: ${find}`);
        assert.notEqual(find, replace);
      }
    });
  }

  it('each has its own name', () => {
    assert.equal(new Set(DEFENCES.map(({ name }) => name)).size, DEFENCES.length);
  });
});
