import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { DOCS_FILE, renderDocs } from '../../scripts/docs.ts';
import { loadCatalog } from '../../src/cli/catalog.ts';

describe('docs', () => {
  it('cli.md says what the commands say: if not, `npm run docs`', async () => {
    assert.equal(readFileSync(DOCS_FILE, 'utf8'), renderDocs(await loadCatalog()));
  });
});
