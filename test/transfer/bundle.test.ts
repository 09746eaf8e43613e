import assert from 'node:assert/strict';
import { manifest } from '../../src/blob/manifest/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import { exportBundle, importBundle } from '../../src/transfer/bundle.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, someTree } from './support/history.ts';
import { ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';

const MAIN = 'abcdef0123456789abcdef0123456789' as BranchId;
const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
const exported = async (store: TestStore, tip: SnapshotId, base?: SnapshotId): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(exportBundle({ ...store, manifest, volset: VOLSET, tip, base })));
const imported = (store: TestStore, bytes: Uint8Array) => importBundle({ ...store, manifest }, each([bytes]));

describe('transfer: bundles', () => {
  let here: TestStore;
  let line: MadeSnapshot[];

  beforeEach(async () => {
    here = ownStore();
    line = [];
    for (let n = 0; n < 4; n++) {
      line.push(
        await makeSnapshot(
          here,
          { ...someTree(50), [`n${n}`]: `${n}` },
          line.slice(-1).map(({ id }) => id),
          n,
        ),
      );
    }
    here.meta.commit(VOLSET, [
      { edit: 'create-branch', branch: MAIN, name: 'main', creator: 'test' },
      { edit: 'move-ref', branch: MAIN, from: null, to: line[3].id },
      { edit: 'set', register: `snapshot:${line[1].id}:description`, value: 'the second' },
    ]);
  });

  it('carries history, metadata and tips into an empty store', async () => {
    const there = testStore();
    const result = await imported(there, await exported(here, line[3].id));
    assert.deepEqual(
      result.snapshots,
      line.map(({ id }) => id),
    );
    assert.deepEqual(result.branches, [MAIN]);
    for (const snapshot of line) assertComplete(there, snapshot);
    assert.equal(there.meta.findBranch(VOLSET, MAIN)?.tip, line[3].id);
    assert.equal(there.meta.findSnapshot(VOLSET, line[1].id)?.description, 'the second');
    assert.deepEqual(there.meta.verify(), []);
  });

  it('can be imported again, and moves no tip that is here', async () => {
    const there = testStore();
    const bytes = await exported(here, line[3].id);
    await imported(there, bytes);
    assert.deepEqual((await imported(there, bytes)).branches, []);
    assert.deepEqual((await imported(here, bytes)).branches, []);
  });

  it('builds on a base, and names it where it is missing', async () => {
    const there = testStore();
    const rest = await exported(here, line[3].id, line[1].id);
    await assert.rejects(imported(there, rest), (error: unknown) => {
      assert.ok(error instanceof PlaitError);
      assert.equal(error.code, 'blob-absent');
      assert.ok(error.message.includes(line[1].id.slice(0, 12)));
      return true;
    });
    assert.equal(there.meta.findVolset(VOLSET), undefined);
    const first = await exported(here, line[1].id);
    assert.ok(rest.length < first.length);
    assert.deepEqual((await imported(there, first)).branches, []);
    const result = await imported(there, rest);
    assert.deepEqual(result.snapshots, [line[2].id, line[3].id]);
    for (const snapshot of line) assertComplete(there, snapshot);
    assert.equal(there.meta.findBranch(VOLSET, MAIN)?.tip, line[3].id);
  });

  it('takes deltas, against a base as well as inside the bundle', async () => {
    const text = Array.from({ length: 4000 }, (_, n) => `line ${n * 7919}`).join('\n');
    const edits: MadeSnapshot[] = [];
    for (const edit of ['first', 'second', 'third']) {
      const tree = { big: text.replace('line 7919\n', `${edit}\n`) };
      edits.push(
        await makeSnapshot(
          here,
          tree,
          edits.slice(-1).map(({ id }) => id),
          edits.length,
        ),
      );
    }
    const whole = await exported(here, edits[1].id);
    const rest = await exported(here, edits[2].id, edits[1].id);
    for (const bytes of [whole, rest]) assert.ok(bytes.includes('deltas/000000'), 'there are deltas in it');
    const there = testStore();
    await imported(there, whole);
    await imported(there, rest);
    for (const snapshot of edits) assertComplete(there, snapshot);
  });

  it('refuses a bundle that is cut, and a good one can follow', async () => {
    const there = testStore();
    const bytes = await exported(here, line[3].id);
    for (const share of [0.1, 0.5, 0.8]) {
      await assert.rejects(imported(there, bytes.subarray(0, Math.floor(bytes.length * share))), refuses('protocol'));
    }
    if (there.meta.findVolset(VOLSET)) assert.equal(there.meta.findBranch(VOLSET, MAIN)?.tip ?? null, null);
    await imported(there, bytes);
    assert.equal(there.meta.findBranch(VOLSET, MAIN)?.tip, line[3].id);
  });

  it('refuses what is no bundle', async () => {
    await assert.rejects(imported(testStore(), Buffer.alloc(0)), refuses('protocol'));
    await assert.rejects(imported(testStore(), Buffer.from('hello')), refuses('protocol'));
  });

  it('cannot export what is not here', async () => {
    await assert.rejects(async () => exported(testStore(), line[0].id), PlaitError);
  });
});
