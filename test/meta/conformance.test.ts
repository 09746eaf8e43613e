import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMetaStore } from '../../src/meta/index.ts';
import { metaConformance } from '../conformance/meta.ts';

describe('metadata engines', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
  });
  after(() => rmSync(dir, { recursive: true }));
  let opened = 0;
  metaConformance('SQLite file', () =>
    openMetaStore({ path: join(dir, `${opened++}.db`), create: true, label: 'here' }),
  );
  metaConformance('SQLite in memory', () => openMetaStore({ path: ':memory:', label: 'here' }));
});
