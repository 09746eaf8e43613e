/** What stores show, in a form that is equal on stores that know the same. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { Document, Lab } from './lab.ts';

/** Of a working directory, or of a bare store or hub; `name` below the lab's folder. */
export function storeOf(lab: Lab, name: string): string {
  const inner = lab.path(name, '.plait');
  return existsSync(inner) ? inner : lab.path(name);
}

/** Runs on a store, whoever serves it. */
export const onStore = (lab: Lab, name: string, argv: string[], exit: number | number[] = 0): Promise<Document> =>
  lab.run(['--store', storeOf(lab, name), ...argv], exit);

/** Which of the two sides is current differs by store; what stands does not. */
export const conflictRow = ({ id, kind, object, field, initial, current, target, resolution, resolved }: Document) => ({
  ...{ id, kind, object, field, initial, resolved },
  sides: [current, target].sort(),
  stands: resolution === 'current' ? current : resolution === 'target' ? target : 'another value',
});

export const byId = (a: Document, b: Document): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** The one volume set of a store: fields, branches, all snapshots on them, all conflicts, settled ones too. */
export async function shown(lab: Lab, name: string): Promise<Document> {
  const [{ volsets }, { branches }, { conflicts }] = await Promise.all([
    onStore(lab, name, ['volset', 'list']),
    onStore(lab, name, ['branch', 'list']),
    onStore(lab, name, ['conflicts', 'list', '--all']),
  ]);
  assert.equal(volsets.length, 1, name);
  const heads = new Map(branches.map((branch: Document) => [branch.tip, branch.name]));
  heads.delete(null);
  const logs = await Promise.all([...heads.values()].map((head) => onStore(lab, name, ['log', `branch:${head}`])));
  return {
    volset: volsets[0],
    branches: branches.map(({ id, name: shownName, tip }: Document) => ({ id, name: shownName, tip })).sort(byId),
    logs: logs.map(({ snapshots }) => snapshots.map(({ branches: _, ...row }: Document) => row)),
    conflicts: conflicts.map(conflictRow).sort(byId),
  };
}

/** All show the same, which is handed back. */
export async function assertEqualStores(lab: Lab, names: readonly string[]): Promise<Document> {
  const [first, ...others] = await Promise.all(names.map((name) => shown(lab, name)));
  for (const [i, other] of others.entries()) assert.deepEqual(other, first, `${names[i + 1]} and ${names[0]}`);
  return first;
}

/** Syncs of working directories (with each of their remotes) that find nothing to do, in one request each. */
export async function assertQuiet(lab: Lab, dirs: readonly string[], remotes: readonly string[] = ['origin']) {
  const quiet = async (dir: string) => {
    for (const remote of remotes) {
      const { requests, upToDate, conflicts, diverged, pushed } = await lab.in(dir, ['sync', remote]);
      assert.deepEqual(
        [dir, remote, requests, upToDate, conflicts, diverged, pushed.bytes],
        [dir, remote, 1, true, [], [], 0],
      );
    }
  };
  await Promise.all(dirs.map(quiet));
}

/** Syncs one after the other until none has anything to do; conflicts may come up. Throws after 10 rounds. */
export async function syncUntilQuiet(lab: Lab, dirs: readonly string[], remotes: readonly string[] = ['origin']) {
  for (let round = 0; round < 10; round++) {
    let busy = false;
    for (const dir of dirs) {
      for (const remote of remotes) busy = !(await lab.in(dir, ['sync', remote], [0, 5])).upToDate || busy;
    }
    if (!busy) return;
  }
  assert.fail('stores do not come to rest');
}
