import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { Policy } from '../../src/core/reconcile.ts';
import { merge } from '../../src/sync/merge.ts';
import { resolveConflict } from '../../src/sync/resolve-conflict.ts';
import { type MadeLab, madeLab } from './lab.ts';

/** Whichever side a merge left in place, the other can be chosen, and an edit that nobody has saved stays. */
describe('settling a path', () => {
  let { lab, engine } = {} as MadeLab;
  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const conflicts = () => engine.meta.listConflicts(engine.volume!.state.volset, { all: true });
  const settle = async (choice: 'target' | 'current') =>
    (await resolveConflict(engine, conflicts()[0].id, { choice })).result;

  /** One file that both sides edit, or that one of them deletes (null), merged. */
  async function merged(ours: string | null, theirs: string | null, prefer: Policy): Promise<void> {
    const put = (text: string | null) => (text === null ? fs.rmSync(lab.at('x')) : lab.write('x', text));
    put('base');
    lab.write('calm', 'calm');
    await lab.snapshot(engine);
    put(theirs);
    await lab.snapshot(engine, { newBranch: 'side', maxDelete: 1 });
    await lab.checkout(engine, 'main');
    put(ours);
    await lab.snapshot(engine, { maxDelete: 1 });
    await merge(engine, { ref: 'side', prefer, dryRun: false });
    assert.equal(conflicts().length, 1);
  }
  const shown = () => (fs.existsSync(lab.at('x')) ? lab.read('x') : null);

  for (const [ours, theirs] of [
    ['ours', 'theirs'],
    [null, 'theirs'],
    ['ours', null],
  ] as const) {
    for (const prefer of ['current', 'target'] as const) {
      for (const choice of ['current', 'target'] as const) {
        const wanted = choice === 'current' ? ours : theirs;
        it(`merged with --prefer ${prefer}, ours ${ours}, theirs ${theirs}: --${choice}`, async () => {
          await merged(ours, theirs, prefer);
          assert.equal(shown(), prefer === 'current' ? ours : theirs);
          const { resolved, resolution, restored, problems } = await settle(choice);
          assert.deepEqual([resolved, resolution, restored, problems], [true, choice, choice !== prefer, []]);
          assert.equal(shown(), wanted);
        });
      }
    }
  }

  it('an edit that nobody has saved stays, and the conflict is open', async () => {
    await merged('ours', 'theirs', 'current');
    lab.write('x', 'merged by hand');
    await assert.rejects(settle('target'), { code: 'unsaved-changes', hint: /plait snapshot/ });
    assert.deepEqual([shown(), conflicts()[0].resolved], ['merged by hand', false]);
    assert.equal((await settle('current')).resolved, true);
    assert.equal(shown(), 'merged by hand');
  });

  it('a change of mind brings the other side back once what is there is saved', async () => {
    await merged('ours', 'theirs', 'current');
    await settle('target');
    await lab.snapshot(engine);
    assert.equal((await settle('current')).restored, true);
    assert.deepEqual([shown(), conflicts()[0].resolution], ['ours', 'current']);
  });

  it('again after theirs was restored and the rest was cut off', async () => {
    await merged('ours', 'theirs', 'current');
    await settle('target');
    assert.equal((await settle('target')).resolved, true);
    assert.equal(shown(), 'theirs');
  });

  it('is refused where the directory is not on the line of the merge', async () => {
    await merged('ours', 'theirs', 'current');
    await lab.checkout(engine, 'side~1');
    await assert.rejects(settle('target'), { code: 'usage', hint: /plait checkout/ });
    assert.deepEqual([shown(), conflicts()[0].resolved], ['base', false]);
    await lab.checkout(engine, 'main');
    lab.write('calm', 'later');
    await lab.snapshot(engine);
    assert.equal((await settle('target')).restored, true);
  });
});
