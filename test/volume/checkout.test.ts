import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Entry } from '../../src/core/entry.ts';
import { PlaitError } from '../../src/core/errors.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { keyOfBytes, keyOfText, type PathKey } from '../../src/core/paths.ts';
import { contentOf, Lab, picture } from './harness.ts';

const MTIME = 1_500_000_000_123_456_789n;
const file = (path: string, text: string, more: Partial<Entry> = {}): Entry => ({
  path: keyOfText(path),
  kind: 'file',
  mode: 0o644,
  mtime: MTIME,
  size: text.length,
  content: contentOf(Buffer.from(text)),
  ...more,
});
const dir = (path: string, mode = 0o755): Entry => ({ path: keyOfText(path), kind: 'dir', mode, mtime: 0n, size: 0 });
const link = (path: string, target: string): Entry => ({
  path: keyOfText(path),
  kind: 'symlink',
  mode: 0,
  mtime: 0n,
  size: 0,
  target: Buffer.from(target),
});

/** Every kind of step: additions, edits, deletions, all changes of type, links, modes. */
function before(lab: Lab): void {
  for (const name of ['same', 'edit', 'gone', 'f2d', 'f2l', 'attr', 'gonedir/a', 'gonedir/sub/b', 'd2f/x', 'd2l/y/z']) {
    lab.write(name, name);
  }
  fs.symlinkSync('same', lab.at('l2f'));
  fs.symlinkSync('nowhere', lab.at('l2d'));
  lab.write('h1', 'hard');
  fs.linkSync(lab.at('h1'), lab.at('h2'));
  fs.mkdirSync(lab.at('closed'));
  lab.write('closed/inner', 'inner');
  fs.chmodSync(lab.at('closed'), 0o555);
}

function after(lab: Lab): void {
  lab.write('edit', 'edited', 1_600_000_500);
  fs.rmSync(lab.at('gone'));
  for (const name of ['f2d', 'f2l', 'l2f', 'l2d']) fs.rmSync(lab.at(name));
  for (const name of ['gonedir', 'd2f', 'd2l']) fs.rmSync(lab.at(name), { recursive: true });
  lab.write('f2d/inner/deep', 'deep');
  fs.symlinkSync('edit', lab.at('f2l'));
  lab.write('l2f', 'was a link');
  lab.write('l2d/x', 'x');
  lab.write('d2f', 'was a folder');
  fs.symlinkSync('/etc', lab.at('d2l'));
  fs.chmodSync(lab.at('attr'), 0o755);
  fs.utimesSync(lab.at('attr'), 1_600_000_900, 1_600_000_900);
  fs.linkSync(lab.at('h1'), lab.at('h3'));
  lab.write('closed/inner', 'new inner');
  lab.write('closed/more', 'more');
  fs.mkdirSync(lab.at('empty'), { mode: 0o700 });
}

async function twoTrees(lab: Lab): Promise<{ a: NodeId; b: NodeId; pictureA: string[]; pictureB: string[] }> {
  before(lab);
  const a = await lab.snapshot();
  const pictureA = picture(lab.dir);
  after(lab);
  const b = await lab.snapshot();
  return { a, b, pictureA, pictureB: picture(lab.dir) };
}

describe('checkout', () => {
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.dispose]());

  it('goes there and back, and leaves nothing to do', async () => {
    const { a, b, pictureA, pictureB } = await twoTrees(lab);
    for (const [root, wanted] of [
      [a, pictureA],
      [b, pictureB],
      [a, pictureA],
    ] as const) {
      const { problems } = await lab.checkout(root);
      assert.deepEqual(problems, []);
      assert.deepEqual(picture(lab.dir), wanted);
      assert.deepEqual(await lab.status(), []);
    }
    for (const left of ['tmp', 'stat.new', 'checkout.json']) assert.ok(!fs.existsSync(join(lab.volume.stateDir, left)));
  });

  it('fills an empty directory, and a comparison reads none of it', async () => {
    const { b, pictureB } = await twoTrees(lab);
    for (const name of fs.readdirSync(lab.dir)) if (name !== '.plait') fs.rmSync(lab.at(name), { recursive: true });
    lab.volume.update({ base: null, baseRoot: null });
    await lab.checkout(b);
    assert.deepEqual(picture(lab.dir), pictureB);
    lab.later = false;
    assert.deepEqual(await lab.status(), []);
    assert.deepEqual(lab.read, []);
  });

  it('changes only attributes where only they differ', async () => {
    const root = lab.tree([file('f', 'text')], { f: 'text' });
    await lab.checkout(root);
    const { ino } = fs.statSync(lab.at('f'));
    await lab.checkout(lab.tree([file('f', 'text', { mode: 0o755, mtime: MTIME + 10n ** 9n })]));
    const stat = fs.statSync(lab.at('f'), { bigint: true });
    assert.equal(stat.ino, BigInt(ino));
    assert.equal(Number(stat.mode) & 0o7777, 0o755);
    assert.equal(stat.mtimeNs / 1000n, (MTIME + 10n ** 9n) / 1000n);
  });

  it('restores special bits and owners only where they are preserved', async () => {
    const tree = (one: Lab): NodeId => one.tree([file('f', 'x', { mode: 0o6755, uid: 4321, gid: 1234 })], { x: 'x' });
    await lab.checkout(tree(lab));
    const plain = fs.statSync(lab.at('f'));
    assert.deepEqual([plain.mode & 0o7777, plain.uid], [0o755, process.getuid!()]);
    assert.deepEqual(await lab.status(), []);
    using keeping = new Lab(['suid', ...(process.getuid!() === 0 ? ['owner' as const] : [])]);
    await keeping.checkout(tree(keeping));
    const kept = fs.statSync(keeping.at('f'));
    assert.equal(kept.mode & 0o7777, 0o6755);
    if (process.getuid!() === 0) assert.deepEqual([kept.uid, kept.gid], [4321, 1234]);
    assert.deepEqual(await keeping.status(), []);
  });

  it('writes names that are not UTF-8, and holds in times before 1970', async () => {
    const path = keyOfBytes(Buffer.from([0x64, 0xff, 0x2f, 0xfe, 0x0a]));
    const parent = path.slice(0, path.indexOf('\0')) as PathKey;
    const entries = [
      { ...dir('x'), path: parent },
      { ...file('x', 'x', { mtime: -1_500_000_001n }), path },
    ];
    await lab.checkout(lab.tree(entries, { x: 'x' }));
    const found = fs.readdirSync(Buffer.concat([Buffer.from(`${lab.dir}/`), Buffer.from(parent, 'latin1')]), {
      encoding: 'buffer',
    });
    assert.deepEqual(found, [Buffer.from([0xfe, 0x0a])]);
    assert.deepEqual(await lab.status(), []);
  });

  describe('refuses before it writes, when something unsaved is in the way:', () => {
    const base = [dir('d'), file('d/in', 'in'), file('edit', 'edit'), file('gone', 'gone')];
    const target = [file('d', 'was dir'), file('edit', 'other'), file('gone', 'gone2'), file('new', 'new')];
    const contents = { a: 'in', b: 'edit', c: 'gone', d: 'was dir', e: 'other', f: 'gone2', g: 'new' };
    const rows: [string, (lab: Lab) => void, string[]][] = [
      ['an edited file', (l) => l.write('edit', 'mine'), ['edit']],
      ['an edited file of the same size', (l) => l.write('edit', 'tide'), ['edit']],
      ['a deleted file', (l) => fs.rmSync(l.at('gone')), ['gone']],
      ['an untracked file', (l) => l.write('new', 'mine'), ['new']],
      ['an untracked folder', (l) => l.write('new/mine', 'mine'), ['new']],
      ['an untracked file in a folder that goes', (l) => l.write('d/mine', 'mine'), ['d/mine']],
      ['an edited file in a folder that goes', (l) => l.write('d/in', 'mine'), ['d/in']],
      [
        'a file that became a link',
        (l) => {
          fs.rmSync(l.at('edit'));
          fs.symlinkSync('x', l.at('edit'));
        },
        ['edit'],
      ],
      ['a file that became executable', (l) => fs.chmodSync(l.at('edit'), 0o777), ['edit']],
    ];
    for (const [what, spoil, paths] of rows) {
      it(what, async () => {
        await lab.checkout(lab.tree(base, contents));
        const wanted = lab.tree(target, contents);
        spoil(lab);
        const seen = picture(lab.dir);
        await assert.rejects(lab.checkout(wanted), (error: unknown) => {
          assert.ok(error instanceof PlaitError);
          assert.equal(error.code, 'unsaved-changes');
          assert.deepEqual(error.data?.paths, paths);
          return true;
        });
        assert.deepEqual(picture(lab.dir), seen);
        assert.equal(lab.volume.pendingCheckout(), undefined);
        const { problems } = await lab.checkout(wanted, { force: true });
        assert.deepEqual(problems, []);
        assert.deepEqual(await lab.status(), []);
      });
    }

    it('but not for files that are nobody’s obstacle, nor for a young file that hashes the same', async () => {
      await lab.checkout(lab.tree(base, contents));
      lab.write('bystander', 'mine');
      fs.rmSync(join(lab.volume.stateDir, 'stat.cache'));
      lab.write('new', 'new');
      await lab.checkout(lab.tree(target, contents));
      assert.equal(fs.readFileSync(lab.at('bystander'), 'utf8'), 'mine');
      assert.deepEqual(await lab.status(), ['A bystander']);
    });

    it('and with --force keeps an untracked file in a folder that nothing replaces', async () => {
      await lab.checkout(lab.tree(base, contents));
      lab.write('d/mine', 'mine');
      await lab.checkout(lab.tree(target.slice(1), contents), { force: true });
      assert.deepEqual(fs.readdirSync(lab.at('d')), ['mine']);
    });
  });

  it('does not remove another store that lies in the way, not even with --force', async () => {
    await lab.checkout(lab.tree([dir('d')]));
    lab.write('d/sub/.plait/format', 'precious');
    const { problems } = await lab.checkout(lab.tree([file('d', 'text')], { t: 'text' }), { force: true });
    assert.deepEqual(problems.map(({ what }) => what).slice(0, 1), ['not-written']);
    assert.equal(fs.readFileSync(lab.at('d/sub/.plait/format'), 'utf8'), 'precious');
  });

  describe('cut off', () => {
    const STEPS = ['journal', 'removed', 'dirs', 'files', 'links', 'modes', 'cache', 'base'];
    for (const cut of STEPS) {
      it(`after "${cut}" is finished by the next call`, async () => {
        const { a, b, pictureA, pictureB } = await twoTrees(lab);
        for (const [root, wanted] of [
          [a, pictureA],
          [b, pictureB],
        ] as const) {
          const onStep = (step: string): void => {
            if (step === cut) throw new Error('cut');
          };
          await assert.rejects(lab.checkout(root, { onStep }), { message: 'cut' });
          lab.reopen();
          const pending = lab.volume.pendingCheckout();
          assert.equal(pending?.root, root);
          await assert.rejects(lab.list(lab.changes()), { code: 'busy' });
          const { problems } = await lab.checkout(root);
          assert.deepEqual(problems, []);
          assert.equal(lab.volume.pendingCheckout(), undefined);
          assert.deepEqual(picture(lab.dir), wanted);
          assert.deepEqual(await lab.status(), []);
        }
      });
    }

    it('between any two files is finished, with a torn file and temporary names left', async () => {
      const { a, b, pictureA } = await twoTrees(lab);
      await lab.checkout(b);
      for (let cut = 0; cut < 8; cut++) {
        const extract: Lab['extract'] = async function* (root, temp, files) {
          let n = 0;
          for await (const result of lab.extract(root, temp, files)) {
            if (n++ === cut) {
              fs.writeFileSync(join(root, 'gonedir/sub/b'), 'to', { mode: 0o1200 });
              fs.chmodSync(join(root, 'gonedir/sub/b'), 0o1200);
              fs.writeFileSync(join(root, 'gonedir/.plait-tmp.0123456789abcdef'), 'junk');
              throw new Error('killed');
            }
            yield result;
          }
        };
        await assert.rejects(lab.checkout(a, { extract }), { message: 'killed' });
        lab.reopen();
        await lab.checkout(a);
        assert.deepEqual(picture(lab.dir), pictureA);
        assert.deepEqual(await lab.status(), []);
        await lab.checkout(b);
      }
    });

    it('does not overwrite what somebody edited before it was finished', async () => {
      const { a } = await twoTrees(lab);
      const onStep = (step: string): void => assert.notEqual(step, 'removed');
      await assert.rejects(lab.checkout(a, { onStep }));
      lab.reopen();
      lab.write('edit', 'mine, after the crash');
      await assert.rejects(lab.checkout(a), { code: 'unsaved-changes' });
      assert.equal(fs.readFileSync(lab.at('edit'), 'utf8'), 'mine, after the crash');
    });
  });

  it('does not take a file that could not be written for an edit, and writes it next time', async () => {
    const contents = { a: 'old', b: 'new', c: 'more' };
    await lab.checkout(lab.tree([file('f', 'old')], contents));
    const wanted = lab.tree([file('f', 'new'), file('g', 'more')], contents);
    const extract: Lab['extract'] = async function* (_root, _temp, files) {
      for (const { path } of files) yield { path, status: 'failed', errno: 'EPERM', message: 'no' };
    };
    const { problems } = await lab.checkout(wanted, { extract });
    assert.deepEqual(
      problems.map(({ path, what }) => [path, what]),
      [
        ['f', 'not-written'],
        ['g', 'not-written'],
      ],
    );
    const changes = lab.changes();
    assert.deepEqual(await lab.list(changes), []);
    assert.deepEqual(
      changes.outcome.problems.map(({ path, what }) => [path, what]),
      [
        ['f', 'not-written'],
        ['g', 'not-written'],
      ],
    );
    await lab.checkout(lab.tree([file('f', 'new', { mode: 0o600 }), file('g', 'more', { mode: 0o600 })], contents));
    assert.equal(fs.readFileSync(lab.at('f'), 'utf8'), 'new');
    assert.equal(fs.readFileSync(lab.at('g'), 'utf8'), 'more');
    assert.deepEqual(await lab.status(), []);
  });

  it('writes what could not be written when it is asked for the same again, unless somebody was there meanwhile', async () => {
    const contents = { a: 'old', b: 'new', c: 'more' };
    await lab.checkout(lab.tree([file('edited', 'old'), file('f', 'old')], contents));
    const wanted = lab.tree([file('edited', 'new'), file('f', 'new'), dir('d'), file('d/g', 'more')], contents);
    const extract: Lab['extract'] = async function* (_root, _temp, files) {
      for (const { path } of files) yield { path, status: 'failed', errno: 'EPERM', message: 'no' };
    };
    for (let time = 0; time < 2; time++) {
      const { problems } = await lab.checkout(wanted, { extract });
      assert.deepEqual(
        problems.map(({ path, what }) => [path.replaceAll('\0', '/'), what]),
        [
          ['d/g', 'not-written'],
          ['edited', 'not-written'],
          ['f', 'not-written'],
        ],
      );
    }
    lab.write('edited', 'mine');
    const { problems, written } = await lab.checkout(wanted);
    assert.deepEqual([problems, written], [[], 2]);
    assert.equal(fs.readFileSync(lab.at('f'), 'utf8'), 'new');
    assert.equal(fs.readFileSync(lab.at('d/g'), 'utf8'), 'more');
    const changes = lab.changes();
    assert.deepEqual(
      (await lab.list(changes)).map(({ path }) => path),
      ['edited'],
    );
    assert.deepEqual(changes.outcome.problems, []);
  });

  it('stops at a full disk, keeps the journal, and goes on when there is room', async () => {
    const wanted = lab.tree([file('f', 'new')], { a: 'new' });
    const extract: Lab['extract'] = async function* (_root, _temp, files) {
      for (const { path } of files) yield { path, status: 'failed', errno: 'ENOSPC', message: 'full' };
    };
    await assert.rejects(lab.checkout(wanted, { extract }), { code: 'no-space' });
    assert.equal(lab.reopen().pendingCheckout()?.root, wanted);
    await lab.checkout(wanted);
    assert.deepEqual(await lab.status(), []);
  });

  it('refuses names that fold onto each other where the file system folds, before writing', async () => {
    const wanted = lab.tree([file('README', 'a'), file('readme', 'b')], { a: 'a', b: 'b' });
    await assert.rejects(lab.checkout(wanted, { foldsNames: () => true }), { code: 'exists' });
    assert.deepEqual(picture(lab.dir), []);
    await lab.checkout(wanted);
    assert.equal(picture(lab.dir).length, 2);
  });

  it('brings any tree to any other', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'a.b', 'Ä', 'z'.repeat(40));
    const leaf = fc.oneof(
      fc.record({ file: fc.string({ maxLength: 4 }), mode: fc.constantFrom(0o644, 0o755, 0o400), time: fc.nat(1000) }),
      fc.record({ link: fc.constantFrom('a', '../x', '/etc/passwd') }),
      fc.record({ twin: fc.constantFrom('one', 'two') }),
      fc.constant({ empty: true }),
    );
    const paths = fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), leaf), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(paths, { minLength: 2, maxLength: 3 }), async (trees) => {
        using one = new Lab();
        const pictures = new Map<NodeId, string[]>();
        for (const tree of trees) {
          const contents: Record<string, string> = {};
          const root = one.tree(entriesOf(tree, contents), contents);
          const { problems } = await one.checkout(root);
          assert.deepEqual(problems, []);
          assert.deepEqual(await one.status(), []);
          const seen = picture(one.dir);
          assert.equal(seen.length, one.paths(root).length);
          assert.deepEqual(seen, pictures.get(root) ?? seen);
          pictures.set(root, seen);
          using fresh = new Lab();
          await fresh.checkout(fresh.tree(entriesOf(tree, contents), contents));
          assert.deepEqual(picture(fresh.dir), seen);
        }
      }),
      { numRuns: 25 },
    );
  });
});

type Leaf = { file: string; mode: number; time: number } | { link: string } | { twin: string } | { empty: boolean };

/** A tree without contradictions: the first path wins, parents are made. */
function entriesOf(tree: [string[], Leaf][], contents: Record<string, string>): Entry[] {
  const entries = new Map<string, Entry>();
  const twins = new Map<string, Entry[]>();
  for (const [parts, leaf] of tree) {
    const parents = parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'));
    const path = parts.join('/');
    if (entries.has(path) || parents.some((p) => (entries.get(p)?.kind ?? 'dir') !== 'dir')) continue;
    for (const p of parents) if (!entries.has(p)) entries.set(p, dir(p));
    const text = 'file' in leaf ? leaf.file : 'twin' in leaf ? leaf.twin : '';
    const bytes = Buffer.from(text);
    contents[text] = text;
    if ('link' in leaf) entries.set(path, link(path, leaf.link));
    else if ('empty' in leaf) entries.set(path, dir(path, 0o711));
    else {
      const mode = 'mode' in leaf ? leaf.mode : 0o644;
      const mtime = MTIME + BigInt('time' in leaf ? leaf.time : 0) * 10n ** 9n;
      const entry = { ...file(path, '', { mode, mtime }), size: bytes.length, content: contentOf(bytes) };
      entries.set(path, entry);
      if ('twin' in leaf) twins.set(leaf.twin, [...(twins.get(leaf.twin) ?? []), entry]);
    }
  }
  for (const group of twins.values()) {
    if (group.length < 2) continue;
    const linkGroup = group.map(({ path }) => path).sort()[0];
    for (const entry of group) entry.linkGroup = linkGroup;
  }
  return [...entries.values()];
}
