/** Child process of tests: commits COUNT snapshots (0: until killed) to the store at PATH, a line for each. */
import { writeSync } from 'node:fs';
import { PlaitError } from '../../src/core/errors.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { openMetaStore } from '../../src/meta/index.ts';
import { branchId, newId, snapshotOf, V } from './helpers.ts';

const [path, count, stateDir] = process.argv.slice(2);
const meta = openMetaStore({ path, stateDir });
for (let done = 0; Number(count) === 0 || done < Number(count); ) {
  const from = meta.findBranch(V, branchId(1))?.tip ?? null;
  const next = snapshotOf(from ? [from] : [], { root: `${newId()}${newId()}` as NodeId });
  try {
    meta.commit(V, [
      { edit: 'snapshot', ...next, blob: true },
      { edit: 'move-ref', branch: branchId(1), from, to: next.id },
    ]);
    if (done++ % 4 === 0) meta.cut(V);
    writeSync(1, `${next.id}\n`);
  } catch (error) {
    // Another process moved the branch between our read and our commit: look again.
    if (!(error instanceof PlaitError) || error.code !== 'not-fast-forward') throw error;
  }
}
meta[Symbol.dispose]();
