import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { BranchId } from '../../src/core/ids.ts';
import { silentReporter } from '../../src/core/reporter.ts';
import { bodyOf, commitSnapshot } from '../../src/sync/commit-snapshot.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { collect } from '../../src/sync/gc.ts';
import { type MergeOptions, merge } from '../../src/sync/merge.ts';
import { resolveConflict } from '../../src/sync/resolve-conflict.ts';
import { type MadeLab, madeLab } from './lab.ts';

const MINUTE = 60;

describe('merge', () => {
  let { lab, engine } = {} as MadeLab;
  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const volset = () => engine.volume!.state.volset;
  const tip = (name: string) => engine.meta.listBranches(volset()).find((branch) => branch.name === name)?.tip;
  const run = (ref: string, more: Partial<MergeOptions> = {}, on = engine) =>
    merge(on, { ref, prefer: 'current', dryRun: false, ...more });
  const open = () => engine.meta.listConflicts(volset());
  const body = (name: string) => engine.meta.findSnapshot(volset(), tip(name)!)!.body;

  /** `base` on main, then `ours` on main and `theirs` on the branch side, which both begin there; ends on main. */
  async function forked(base: () => void, ours: () => void, theirs: () => void): Promise<void> {
    base();
    await lab.snapshot(engine);
    theirs();
    await lab.snapshot(engine, { newBranch: 'side', maxDelete: 1 });
    await lab.checkout(engine, 'main');
    ours();
    await lab.snapshot(engine, { maxDelete: 1 });
  }

  const twoFiles = () =>
    forked(
      () => lab.write('both', '0'),
      () => lab.write('ours', '1'),
      () => lab.write('theirs/deep', '2'),
    );

  /** What a peer would refuse is not made, and the body tells what is in the tree. */
  function checkTree(name: string): void {
    const { root, files, bytes } = body(name);
    const reader = engine.blob.reader(volset());
    engine.manifest.check(reader, root);
    const totals = engine.manifest.totals(reader, root);
    assert.deepEqual([files, bytes], [totals.files, totals.bytes]);
  }

  it('of two lines is one snapshot, whichever branch it is made on', async () => {
    await twoFiles();
    const tips = [tip('main')!, tip('side')!];
    const { result, exits } = await run('side');
    assert.deepEqual(exits, []);
    assert.deepEqual([result.merged, result.fastForward, result.branch], [true, false, 'main']);
    assert.deepEqual([result.added, result.modified, result.deleted, result.conflicts], [2, 0, 0, []]);
    assert.deepEqual([result.snapshot, result.parents], [tip('main'), tips.toSorted()]);
    assert.deepEqual([lab.read('both'), lab.read('ours'), lab.read('theirs/deep')], ['0', '1', '2']);
    assert.deepEqual(await lab.status(engine), []);
    assert.equal(engine.volume?.state.base, tip('main'));
    const { creator, created, parents } = body('main');
    assert.deepEqual([creator, parents], ['merge', tips.toSorted()]);
    assert.equal(created, Math.max(...tips.map((id) => engine.meta.findSnapshot(volset(), id)!.body.created)));
    checkTree('main');

    const again = 'bb'.repeat(16) as BranchId;
    engine.meta.commit(volset(), [{ edit: 'create-branch', branch: again, name: 'again', creator: 'x' }]);
    engine.meta.commit(volset(), [{ edit: 'move-ref', branch: again, from: null, to: tips[1] }]);
    await lab.checkout(engine, 'again');
    assert.equal((await run(tips[0])).result.snapshot, tip('main'));
    assert.deepEqual(await lab.status(engine), []);
  });

  it('moves forward, and does nothing where there is nothing to do', async () => {
    await twoFiles();
    await run('side');
    const merged = tip('main');
    for (const ref of ['side', 'main', 'main~1']) {
      const { result, exits } = await run(ref);
      assert.deepEqual([result.merged, result.snapshot, exits], [false, merged, []]);
    }
    await lab.checkout(engine, 'side');
    const { result } = await run('main');
    assert.deepEqual([result.merged, result.fastForward, result.added, result.parents], [true, true, 1, []]);
    assert.deepEqual([tip('side'), engine.volume?.state.base, lab.read('ours')], [merged, merged, '1']);
    assert.deepEqual(await lab.status(engine), []);
  });

  it('moves an empty branch forward', async () => {
    lab.write('a', '1');
    await lab.snapshot(engine, { newBranch: 'side' });
    const main = engine.meta.listBranches(volset()).find(({ name }) => name === 'main')!;
    fs.rmSync(lab.at('a'));
    engine.volume!.update({ base: null, baseRoot: null, branch: main.id });
    const { result } = await run('side');
    assert.deepEqual([result.fastForward, result.added, lab.read('a'), tip('main')], [true, 1, '1', tip('side')]);
  });

  describe('with a path that both sides changed', () => {
    const bothEdit = () =>
      forked(
        () => {
          lab.write('x', '0');
          lab.write('gone', '0');
        },
        () => {
          lab.write('x', 'ours');
          fs.rmSync(lab.at('gone'));
          fs.utimesSync(lab.at('x'), 50 * MINUTE, 50 * MINUTE);
        },
        () => {
          lab.write('x', 'theirs');
          lab.write('gone', 'not gone');
          fs.utimesSync(lab.at('x'), 90 * MINUTE, 90 * MINUTE);
        },
      );

    it('leaves ours in place, and keeps a record that tells where theirs is', async () => {
      await bothEdit();
      const [ours, theirs, base] = [tip('main')!, tip('side')!, body('main').parents[0]];
      const { result, exits } = await run('side');
      assert.deepEqual(exits, [5]);
      assert.deepEqual([lab.read('x'), fs.existsSync(lab.at('gone'))], ['ours', false]);
      const object = `snapshot:${tip('main')}`;
      const shared = { kind: 'path', object, initial: base, target: theirs, resolution: 'current', resolved: false };
      const expected = [
        { ...shared, field: 'gone', current: null },
        { ...shared, field: 'x', current: ours },
      ];
      const facts = open().map(({ id: _, writes, ...conflict }) => {
        assert.deepEqual(writes, [ours, theirs]);
        return conflict;
      });
      assert.deepEqual(
        facts.sort((a, b) => (a.field < b.field ? -1 : 1)),
        expected,
      );
      assert.deepEqual(new Set(result.conflicts.map(({ id }) => id)), new Set(open().map(({ id }) => id)));
      assert.deepEqual([body('main').creator, body('main').parents], ['tester@here', [ours, theirs].sort()]);
      assert.deepEqual(await lab.status(engine), []);
      checkTree('main');
    });

    it('has the same conflicts from the other side', async () => {
      await bothEdit();
      const [ours, theirs] = [tip('main')!, tip('side')!];
      const from = (await run('side')).result.conflicts.map(({ id }) => id);
      await lab.checkout(engine, 'side');
      const there = (await run(ours)).result;
      assert.deepEqual(
        there.conflicts.map(({ id }) => id),
        from,
      );
      assert.deepEqual([lab.read('x'), there.parents], ['theirs', [ours, theirs].sort()]);
    });

    for (const [prefer, x, gone] of [
      ['target', 'theirs', true],
      ['newest', 'theirs', false],
      ['current', 'ours', false],
    ] as const) {
      it(`takes the side that was asked for (${prefer}), and keeps the record all the same`, async () => {
        await bothEdit();
        const { result, exits } = await run('side', { prefer });
        assert.deepEqual([exits, open().length, result.conflicts.length], [[5], 2, 2]);
        assert.deepEqual([lab.read('x'), fs.existsSync(lab.at('gone'))], [x, gone]);
        const stands = x === 'theirs' ? 'target' : 'current';
        assert.equal(open().find(({ field }) => field === 'x')?.resolution, stands);
        assert.deepEqual(await lab.status(engine), []);
      });
    }

    it('tells names that are not UTF-8 exactly', async () => {
      const odd = (text: string) =>
        fs.writeFileSync(Buffer.concat([Buffer.from(`${lab.dir}/`), Buffer.from([0xff, 0x61])]), text);
      await forked(
        () => odd('0'),
        () => odd('1'),
        () => odd('2'),
      );
      await run('side');
      assert.deepEqual(
        open().map(({ pathBase64 }) => pathBase64),
        ['/2E='],
      );
    });

    it('is merged again by those who settled it differently: a conflict anew, with two bases', async () => {
      await bothEdit();
      const ours = tip('main')!;
      const tips = [ours, tip('side')!].sort();
      await run('side');
      await lab.checkout(engine, 'side');
      await run(ours);
      assert.notEqual(tip('side'), tip('main'));
      const { result, exits } = await run('main');
      assert.deepEqual([result.bases, exits], [tips, [5]]);
      assert.deepEqual(result.conflicts.map(({ field }) => field).sort(), ['gone', 'x']);
      assert.equal(result.conflicts.find(({ field }) => field === 'x')?.initial, tips[0]);
    });
  });

  describe('whose conflict is settled for theirs', () => {
    const settle = (choice: 'target' | 'current') => resolveConflict(engine, open()[0].id, { choice });

    it('sets the mode of a directory, and leaves alone what was merged in it', async () => {
      const mode = (bits: number) => fs.chmodSync(lab.at('d'), bits);
      await forked(
        () => lab.write('d/x', '0'),
        () => {
          lab.write('d/x', '1');
          mode(0o700);
        },
        () => {
          lab.write('d/y', '2');
          mode(0o711);
        },
      );
      await run('side');
      assert.deepEqual([open()[0].field, fs.statSync(lab.at('d')).mode & 0o777], ['d', 0o700]);
      const { result } = await settle('target');
      assert.deepEqual([result.resolved, result.problems], [true, []]);
      assert.deepEqual([lab.read('d/x'), lab.read('d/y'), fs.statSync(lab.at('d')).mode & 0o777], ['1', '2', 0o711]);
      assert.deepEqual(await lab.status(engine), ['M d']);
    });

    it('brings a directory instead of a file', async () => {
      await forked(
        () => lab.write('x', '0'),
        () => lab.write('d', '1'),
        () => lab.write('d/y', '2'),
      );
      await run('side');
      await settle('target');
      assert.deepEqual([lab.read('d/y'), open()], ['2', []]);
    });

    it('brings a file instead of a directory', async () => {
      await forked(
        () => lab.write('x', '0'),
        () => lab.write('d/y', '1'),
        () => lab.write('d', '2'),
      );
      await run('side');
      await settle('target');
      assert.deepEqual([lab.read('d'), open()], ['2', []]);
    });

    it('loses nothing that is not saved, and says what is in the way', async () => {
      await forked(
        () => lab.write('.plaitignore', 'local\n'),
        () => {
          lab.write('d/y', '1');
          lab.write('d/z', '1');
        },
        () => lab.write('d', '2'),
      );
      await run('side');
      lab.write('d/z', 'edited');
      await assert.rejects(settle('target'), { code: 'unsaved-changes' });
      assert.deepEqual([lab.read('d/y'), lab.read('d/z'), open().length], ['1', 'edited', 1]);
      lab.write('d/z', '1');
      lab.write('d/local', 'ignored');
      await assert.rejects(settle('target'), { code: 'unsaved-changes' });
      assert.deepEqual([lab.read('d/local'), open().length], ['ignored', 1]);
    });
  });

  describe('is refused, and nothing happens,', () => {
    const refused = async (code: string, ref = 'side') => {
      const before = [tip('main'), engine.volume!.state];
      await assert.rejects(run(ref), { code });
      assert.deepEqual([tip('main'), engine.volume!.state], before);
    };

    it('with unsaved changes', async () => {
      await twoFiles();
      lab.write('ours', 'edited');
      await refused('unsaved-changes');
      assert.deepEqual([lab.read('ours'), fs.existsSync(lab.at('theirs'))], ['edited', false]);
    });

    it('where the directory is on no branch, or not at its tip', async () => {
      await twoFiles();
      await lab.checkout(engine, 'main~1');
      await refused('usage');
      await lab.checkout(engine, 'main');
      engine.meta.commit(volset(), [
        { edit: 'move-ref', branch: engine.volume!.state.branch!, from: tip('main')!, to: body('main').parents[0] },
      ]);
      await refused('guard');
    });

    it('where there is no such line', async () => {
      await twoFiles();
      await refused('not-found', 'nowhere');
    });
  });

  it('--dry-run tells the same and writes nothing', async () => {
    await forked(
      () => lab.write('x', '0'),
      () => lab.write('x', '1'),
      () => {
        lab.write('x', '2');
        lab.write('y', '3');
      },
    );
    const before = [tip('main'), engine.volume!.state, engine.meta.snapshotPage(volset(), null, 10)];
    const plan = await run('side', { dryRun: true });
    assert.deepEqual([tip('main'), engine.volume!.state, engine.meta.snapshotPage(volset(), null, 10)], before);
    assert.deepEqual([open(), lab.read('x'), fs.existsSync(lab.at('y'))], [[], '1', false]);
    const done = await run('side');
    assert.deepEqual([plan.result.merged, plan.result.snapshot, plan.exits], [false, null, done.exits]);
    for (const field of ['bases', 'parents', 'added', 'modified', 'deleted', 'fastForward'] as const) {
      assert.deepEqual(plan.result[field], done.result[field], field);
    }
    assert.deepEqual(
      plan.result.conflicts.map(({ id }) => id),
      done.result.conflicts.map(({ id }) => id),
    );
  });

  it('is not made of a line whose data goes before it is committed', async () => {
    await twoFiles();
    const [ours, theirs] = [tip('main')!, tip('side')!];
    const side = engine.meta.listBranches(volset()).find(({ name }) => name === 'side')!.id;
    engine.meta.commit(volset(), [{ edit: 'move-ref', branch: side, from: theirs, to: ours }]);
    const losing = onFinish(async () => {
      engine.meta.dropBlobs(volset(), [theirs], { force: true });
      await collect(engine, [volset()], { dryRun: false });
    });
    await assert.rejects(run(theirs, {}, losing), { code: 'blob-absent' });
    assert.equal(tip('main'), ours);
    await lab.checkout(engine, 'main');
    assert.deepEqual(await lab.status(engine), []);
  });

  /** `work` runs before each commit of a writer. */
  const onFinish = (work: () => Promise<void>): Engine => ({
    ...engine,
    blob: new Proxy(engine.blob, {
      get: (blob, name) => {
        if (name !== 'writer') return Reflect.get(blob, name).bind?.(blob) ?? Reflect.get(blob, name);
        return (...args: Parameters<typeof blob.writer>) => {
          const writer = blob.writer(...args);
          const finish = writer.finish.bind(writer);
          writer.finish = async (commit) => {
            await work();
            return finish(commit);
          };
          return writer;
        };
      },
    }),
  });

  it('without a common ancestor counts everything as added', async () => {
    await forked(
      () => lab.write('same', '1'),
      () => {
        lab.write('ours', '1');
        lab.write('apart', '1');
      },
      () => {
        lab.write('theirs', '2');
        lab.write('apart', '2');
      },
    );
    const made = bodyOf({ ...body('side'), parents: [] });
    const writer = engine.blob.writer(volset());
    const branch = 'cc'.repeat(16) as BranchId;
    await commitSnapshot(engine, writer, made, { branch, from: null, create: 'orphan' }, {});
    const { result, exits } = await run('orphan');
    assert.deepEqual([result.bases, exits, result.conflicts.map(({ field }) => field)], [[], [5], ['apart']]);
    assert.deepEqual(['same', 'ours', 'apart', 'theirs'].map(lab.read, lab), ['1', '1', '1', '2']);
    assert.equal(open()[0].initial, null);
  });

  it('keeps hard links, kinds and modes as they are on disk', async () => {
    await forked(
      () => {
        lab.write('a', '1');
        fs.mkdirSync(lab.at('d'));
        fs.symlinkSync('a', lab.at('l'));
      },
      () => fs.linkSync(lab.at('a'), lab.at('b')),
      () => {
        fs.linkSync(lab.at('a'), lab.at('c'));
        fs.chmodSync(lab.at('d'), 0o700);
        fs.rmSync(lab.at('l'));
        fs.mkdirSync(lab.at('l'));
      },
    );
    assert.deepEqual((await run('side')).exits, []);
    assert.equal(fs.statSync(lab.at('a')).nlink, 3);
    assert.deepEqual([fs.statSync(lab.at('d')).mode & 0o777, fs.lstatSync(lab.at('l')).isDirectory()], [0o700, true]);
    assert.deepEqual(await lab.status(engine), []);
    checkTree('main');
  });

  it('merges the mode of the directory itself, and opens nothing that one side closed', async () => {
    const mode = (bits: number) => () => fs.chmodSync(lab.dir, bits);
    await forked(mode(0o755), mode(0o750), mode(0o705));
    assert.deepEqual((await run('side')).exits, []);
    assert.equal(fs.statSync(lab.dir).mode & 0o777, 0o700);
    assert.equal(body('main').dir?.mode, 0o700);
  });

  it('moves the branch, not the directory, where an ignored file is in the way', async () => {
    await forked(
      () => lab.write('.plaitignore', 'local\n'),
      () => lab.write('ours', '1'),
      () => {
        lab.write('.plaitignore', '');
        lab.write('local', 'theirs');
      },
    );
    lab.write('local', 'mine');
    const base = tip('main');
    const { result, exits } = await run('side');
    assert.deepEqual([result.merged, exits, lab.read('local')], [true, [8], 'mine']);
    assert.deepEqual([engine.volume?.state.base, engine.volume?.state.moving], [base, null]);
  });

  describe('that was cut off', () => {
    const dies = () => {
      throw new Error('killed');
    };

    it('before it was committed leaves everything as it was', async () => {
      await twoFiles();
      const before = tip('main');
      const meta = new Proxy(engine.meta, {
        get: (target, key) => (key === 'commit' ? dies : Reflect.get(target, key)),
      });
      await assert.rejects(run('side', {}, { ...engine, meta }), /killed/);
      const next = await lab.open();
      assert.deepEqual(await lab.status(next), []);
      assert.deepEqual(
        [tip('main'), next.volume?.state.base, fs.existsSync(lab.at('theirs'))],
        [before, before, false],
      );
      assert.equal((await run('side', {}, next)).result.merged, true);
    });

    it('between its commit and the working directory is finished by the next command', async () => {
      await twoFiles();
      const phase: typeof silentReporter.phase = (name) =>
        name === 'checking out' ? dies() : silentReporter.phase(name);
      await assert.rejects(run('side', {}, { ...engine, reporter: { ...silentReporter, phase } }), /killed/);
      assert.equal(fs.existsSync(lab.at('theirs')), false);
      const next = await lab.open();
      assert.deepEqual(await lab.status(next), []);
      assert.deepEqual([lab.read('theirs/deep'), next.volume?.state.base], ['2', tip('main')]);
      assert.equal(body('main').parents.length, 2);
      assert.equal((await run('side', {}, next)).result.merged, false);
    });

    it('and edited since is not finished over the edit', async () => {
      await twoFiles();
      const phase: typeof silentReporter.phase = (name) =>
        name === 'checking out' ? dies() : silentReporter.phase(name);
      await assert.rejects(run('side', {}, { ...engine, reporter: { ...silentReporter, phase } }), /killed/);
      lab.write('theirs', 'mine');
      const next = await lab.open();
      assert.deepEqual(await lab.status(next), ['A theirs']);
      assert.equal(lab.read('theirs'), 'mine');
    });
  });
});
