/** Another store on this machine as a remote: by its path, opened in process, with the words of every other remote. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAndKill } from './helpers/kill.ts';
import { assertSame, type Document, Lab } from './helpers/lab.ts';
import { startPlait } from './helpers/plait.ts';
import { assertQuiet } from './helpers/stores.ts';
import { noise } from './helpers/trees.ts';

describe('e2e: a path as a remote', function () {
  this.timeout(120_000);
  let lab: Lab;
  before(() => {
    lab = new Lab();
  });
  after(() => lab[Symbol.asyncDispose]());

  const save = async (dir: string, name: string, text: string | Uint8Array = name): Promise<string> => {
    writeFileSync(lab.path(dir, name), text);
    return (await lab.in(dir, ['snapshot', '-m', name])).snapshot;
  };
  const bare = (name: string): Promise<Document> => lab.run(['init', '--bare', lab.path(name)]);

  describe('every verb', () => {
    before(async () => {
      await bare('usb');
      await lab.volume('laptop');
      mkdirSync(lab.path('laptop', 'dir'));
      await save('laptop', 'big', noise(3 << 20));
      await save('laptop', 'dir/small');
    });

    it('a relative path is kept as an absolute one; the volset may follow it', async () => {
      const added = await lab.in('laptop', ['remote', 'add', 'usb', '../usb/data']);
      assert.deepEqual([added.url, added.hasToken], [lab.path('usb'), false]);
      const [row] = (await lab.in('laptop', ['remote', 'list'])).remotes;
      assert.equal(row.url, lab.path('usb'));
      assert.deepEqual((await lab.run(['remote', 'show', './usb'])).volsets, []);
    });

    it('push, clone, pull and sync, both ways, and then there is nothing to do', async () => {
      const pushed = await lab.in('laptop', ['push']);
      assert.deepEqual([pushed.pushed.snapshots, pushed.branches[0].to.length], [2, 64]);
      await lab.run(['clone', lab.path('usb/data'), 'desk']);
      assertSame(lab.path('laptop'), lab.path('desk'));
      assert.equal((await lab.in('desk', ['remote', 'list'])).remotes[0].url, lab.path('usb'));
      await save('desk', 'reply');
      await lab.in('desk', ['sync']);
      const status = await lab.in('laptop', ['status', '--remote']);
      assert.deepEqual(
        status.remotes[0].branches.map(({ ahead, behind }: Document) => [ahead, behind]),
        [[0, 1]],
      );
      await lab.in('laptop', ['pull']);
      assertSame(lab.path('laptop'), lab.path('desk'));
      await assertQuiet(lab, ['laptop'], ['usb']);
      await assertQuiet(lab, ['desk']);
      await lab.verify(lab.path('usb'));
    });

    it('a volset that it does not hold is named together with those that it does', async () => {
      const { error } = await lab.run(['clone', lab.path('usb/nothing')], 10);
      assert.deepEqual([error.code, error.data.volsets], ['not-found', ['data']]);
    });

    it('--all-volsets takes what the store holds, and what other commands of it made is seen', async () => {
      const shared = lab.path('shared');
      await lab.run(['--store', shared, 'init', lab.path('one')]);
      await lab.run(['--store', shared, 'init', lab.path('two')]);
      await save('one', 'a');
      await save('two', 'b');
      await lab.in('laptop', ['remote', 'add', 'both', shared]);
      const all = await lab.in('laptop', ['fetch', 'both', '--all-volsets']);
      assert.deepEqual(all.volsets.map(({ volset }: Document) => volset).sort(), ['one', 'two']);
      // Made while nobody serves that store, and by a command that leaves its records open.
      await lab.in('one', ['update', '--attr', 'k=v']);
      await lab.in('laptop', ['fetch', 'both', '--all-volsets']);
      const listed = (await lab.in('laptop', ['volset', 'list'])).volsets;
      assert.deepEqual(listed.find(({ name }: Document) => name === 'one').attrs, { k: 'v' });
    });

    it('a limit holds, as for any remote', async () => {
      await save('laptop', 'slow', noise(300_000, 9));
      const begin = performance.now();
      await lab.in('laptop', ['push', 'usb', '--limit-up', '300K']);
      // It cannot be quicker; how much slower is the machine's business.
      assert.ok(performance.now() - begin > 800);
    });

    it('served by a process of its own at the same time, both are taken', async () => {
      const hub = await lab.hub('usb');
      await lab.run(['clone', `${hub.url}/data`, 'far']);
      await lab.in('desk', ['pull']);
      await Promise.all([save('desk', 'by-path', noise(1 << 20, 3)), save('far', 'by-line', noise(1 << 20, 4))]);
      // Of two that move one branch at the same time the second says so, and keeps its line.
      const ends = await Promise.all([lab.in('desk', ['push'], [0, 6]), lab.in('far', ['push'], [0, 6])]);
      const [late] = ['desk', 'far'].filter((_, i) => ends[i].diverged?.length > 0 || ends[i].error);
      assert.ok(late !== undefined && ends.some(({ error, diverged }) => !error && diverged.length === 0));
      await lab.in(late, ['push', '--as', 'late']);
      const { branches } = await lab.run(['--store', lab.path('usb'), 'branch', 'list']);
      assert.deepEqual(branches.map(({ name }: Document) => name).sort(), ['late', 'main']);
      await hub.stop();
      await lab.verify(lab.path('usb'));
    });
  });

  describe('what is refused', () => {
    before(async () => {
      await bare('good');
      await lab.volume('asker');
      await save('asker', 'a');
      writeFileSync(lab.path('token'), 'plait_x\n', { mode: 0o600 });
      mkdirSync(lab.path('empty'));
      await lab.run(['init', '--bare', lab.path('job')], 0, { env: { PLAIT_EPHEMERAL: '1' } });
      await bare('newer');
      writeFileSync(lab.path('newer', 'format'), 'plait-store 99\n');
    });

    const cases: [what: string, argv: (path: (name: string) => string) => string[], exit: number, said: RegExp][] = [
      ['no store there', (p) => ['remote', 'add', 'x', p('empty')], 10, /plait init --bare/],
      ['nothing there', (p) => ['remote', 'show', p('nowhere')], 10, /plug its disk in/],
      ['a token', (p) => ['remote', 'add', 'x', p('good'), '--token-file', p('token')], 2, /wants neither a token/],
      ['our own store', (p) => ['remote', 'add', 'x', p('asker')], 16, /the very store that asks/],
      ['a store of one job', (p) => ['clone', p('job'), p('c1')], 2, /ephemeral/],
      ['a format from the future', (p) => ['clone', p('newer'), p('c2')], 17, /format/],
    ];
    for (const [what, argv, exit, said] of cases) {
      it(what, async () => {
        const { error } = await lab.in(
          'asker',
          argv((name) => lab.path(name)),
          exit,
        );
        assert.match(`${error.message} ${error.hint}`, said);
        assert.deepEqual((await lab.in('asker', ['remote', 'list'])).remotes, []);
      });
    }

    it('a token never goes to a path, nor a path to be a place with a token', async () => {
      const argv = ['remote', 'add', 'hub', 'http://127.0.0.1:1', '--token-file', lab.path('token')];
      await lab.in('asker', argv);
      const { error } = await lab.in('asker', ['remote', 'set-url', 'hub', lab.path('good')], 2);
      assert.match(error.message, /has a token/);
      await lab.in('asker', ['remote', 'remove', 'hub']);
    });
  });

  describe('a disk that comes and goes', () => {
    before(async () => {
      mkdirSync(lab.path('mnt'));
      await bare('mnt/disk');
      await lab.volume('note');
      await save('note', 'first');
      await lab.in('note', ['remote', 'add', 'disk', lab.path('mnt/disk')]);
      await lab.in('note', ['push']);
    });

    it('away: exit 13 as for a hub that is down, and what was to be sent waits', async () => {
      renameSync(lab.path('mnt/disk'), lab.path('pulled'));
      await save('note', 'second');
      for (const verb of ['push', 'pull', 'sync', 'fetch']) {
        const { error } = await lab.in('note', [verb], 13);
        assert.deepEqual([error.code, /plugged in/.test(error.hint)], ['network', true], verb);
      }
      assert.equal((await lab.in('note', ['queue', 'list'])).remotes[0].entries.length, 1);
      // Nothing is made where it was mounted.
      assert.deepEqual(readdirSync(lab.path('mnt')), []);
    });

    it('another disk in its place: exit 16, and nothing on either side has changed', async () => {
      await bare('mnt/disk');
      const before = readFileSync(lab.path('mnt/disk/meta.db'));
      for (const verb of ['push', 'pull', 'sync']) {
        const { error } = await lab.in('note', [verb], 16);
        assert.equal(error.code, 'identity', verb);
      }
      assert.deepEqual((await lab.run(['--store', lab.path('mnt/disk'), 'volset', 'list'])).volsets, []);
      assert.equal(readFileSync(lab.path('mnt/disk/meta.db')).length, before.length);
      rmSync(lab.path('mnt/disk'), { recursive: true });
    });

    it('back again: the next run sends what waited', async () => {
      renameSync(lab.path('pulled'), lab.path('mnt/disk'));
      assert.equal((await lab.in('note', ['push'])).pushed.snapshots, 1);
      await lab.run(['clone', lab.path('mnt/disk'), 'again']);
      assertSame(lab.path('note'), lab.path('again'));
    });

    it('a follower waits for it, and goes on when it is back', async () => {
      const follower = startPlait(['-C', lab.path('again'), '--json', 'sync', '--follow'], { cwd: lab.dir, input: '' });
      await follower.output(/"status":"in-sync"/);
      renameSync(lab.path('mnt/disk'), lab.path('pulled'));
      await follower.output(/"status":"waiting","retryInMs":.*"code":"network"/);
      renameSync(lab.path('pulled'), lab.path('mnt/disk'));
      const made = await save('note', 'after');
      await lab.in('note', ['push', 'disk']);
      await follower.output(new RegExp(`"to":"${made}".*\n[^]*"status":"in-sync"`));
      assertSame(lab.path('note'), lab.path('again'));
      follower.child.kill('SIGTERM');
      assert.equal((await follower.ended).exit, 0);
    });

    it('a copy of a disk is another store', async () => {
      cpSync(lab.path('mnt/disk'), lab.path('copied'), { recursive: true });
      await lab.in('note', ['remote', 'add', 'copied', lab.path('copied')]);
      await save('note', 'third');
      await lab.in('note', ['push', 'copied']);
      await lab.in('note', ['push', 'disk']);
      await lab.in('note', ['sync', 'copied']);
      await lab.verify(lab.path('copied'));
      await lab.verify(lab.path('mnt/disk'));
    });
  });

  it('killed in the middle of a push: the next run completes, and nothing of the first stays behind', async () => {
    await bare('target');
    await lab.volume('source');
    await lab.in('source', ['remote', 'add', 'target', lab.path('target')]);
    let killed = 0;
    for (let round = 0; round < 3; round++) {
      await save('source', 'data', noise(2 << 20, round + 1));
      const argv = ['-C', lab.path('source'), 'push'];
      if (await runAndKill(argv, { cwd: lab.dir }, { line: round, afterMs: 20 * round })) killed++;
      await lab.in('source', ['push']);
    }
    assert.ok(killed > 0);
    await lab.verify(lab.path('target'));
    assert.deepEqual(readdirSync(lab.path('target/quarantine')), []);
    await lab.run(['clone', lab.path('target'), 'result']);
    assertSame(lab.path('source'), lab.path('result'));
  });

  describe('into a store with a working directory', () => {
    before(async () => {
      await lab.volume('home');
      await save('home', 'file', 'one');
      await lab.run(['clone', lab.path('home/data'), 'away']);
      await save('away', 'file', 'two');
      await lab.in('away', ['push']);
    });

    it('its files stay as they are; status says that the branch has gone on', async () => {
      assert.equal(readFileSync(lab.path('home/file'), 'utf8'), 'one');
      const status = await lab.in('home', ['status']);
      assert.equal(status.clean, true);
      assert.notEqual(status.tip, status.base);
      assert.match(await lab.text(['-C', lab.path('home'), 'status']), /plait checkout main/);
    });

    it('what is edited meanwhile is saved beside it, and can be joined', async () => {
      writeFileSync(lab.path('home/other'), 'mine');
      const saved = await lab.in('home', ['snapshot'], 6);
      assert.notEqual(saved.branch, 'main');
      await lab.in('home', ['checkout', 'main']);
      assert.equal(readFileSync(lab.path('home/file'), 'utf8'), 'two');
      await lab.in('home', ['merge', saved.branch]);
      assert.ok(existsSync(join(lab.path('home'), 'other')));
      await lab.in('away', ['pull']);
      assertSame(lab.path('home'), lab.path('away'));
    });

    it('a clean one is brought forward by a checkout', async () => {
      await save('away', 'file', 'three');
      await lab.in('away', ['push']);
      await lab.in('home', ['checkout', 'main']);
      assertSame(lab.path('home'), lab.path('away'));
    });
  });
});
