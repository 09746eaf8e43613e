import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { Lab } from './helpers/lab.ts';

describe('e2e: modes of what is made', () => {
  it('a new working directory has what the umask says, its store is private', async () => {
    await using lab = new Lab();
    await lab.run(['init', 'made']);
    const bits = (...names: string[]) => statSync(lab.path(...names)).mode & 0o777;
    assert.equal(bits('made'), 0o777 & ~process.umask());
    assert.equal(bits('made', '.plait'), 0o700);
    assert.equal(bits('made', '.plait', 'meta.db'), 0o600);
  });
});
