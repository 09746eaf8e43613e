import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';
import { plait } from './helpers/plait.ts';

/** What a run says about a branch that both sides moved, and that each command it names is a way out. */
describe('e2e: the ways out of divergence, as they are printed', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let ours: string;
  let theirs: string;
  let base: string;
  let said: string;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    await lab.volume('work', hub);
    const save = async (dir: string, name: string) => {
      writeFileSync(lab.path(dir, name), name);
      return (await lab.in(dir, ['snapshot'])).snapshot;
    };
    base = await save('work', 'first');
    await lab.in('work', ['push']);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    theirs = await save('work', 'theirs');
    await lab.in('work', ['push']);
    ours = await save('copy', 'ours');
    said = await lab.text(['-C', lab.path('copy'), 'sync'], 6);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  /** The printed command that begins so, as arguments. */
  const command = (beginning: string): string[] => {
    const line = said.split('\n').find((text) => text.trimStart().startsWith(beginning));
    assert.ok(line, said);
    return line.trim().split(/ {2,}/)[0].split(' ').slice(1);
  };
  const branches = async (dir: string): Promise<Record<string, string>> =>
    Object.fromEntries((await lab.in(dir, ['branch', 'list'])).branches.map((b: Document) => [b.name, b.tip]));
  const quiet = async (dir: string) => {
    await lab.in(dir, ['sync']);
    assert.equal((await lab.in(dir, ['sync'])).upToDate, true);
  };

  it('names both tips and the fork point', () => {
    const [first] = said.split('\n');
    const short = [ours, theirs, base].map((id) => id.slice(0, 12));
    assert.equal(
      first,
      `! main has diverged from origin/main: here ${short[0]}, there ${short[1]}, forked at ${short[2]}`,
    );
  });

  it('merge: both lines in one snapshot', async () => {
    await lab.in('copy', command('plait merge'));
    await quiet('copy');
    await quiet('work');
    for (const name of ['first', 'ours', 'theirs']) assert.ok(existsSync(lab.path('work', name)), name);
  });

  it('push --as: our line under another name, the branch follows the remote', async () => {
    const argv = command('plait push').map((word) => (word === 'NAME' ? 'mine' : word));
    await lab.in('copy', argv);
    await quiet('copy');
    await quiet('work');
    for (const dir of ['copy', 'work']) assert.deepEqual(await branches(dir), { main: theirs, mine: ours });
    assert.equal((await lab.in('copy', ['status'])).branch, 'mine');
  });

  it('pull --theirs: theirs here, our line kept', async () => {
    const pulled = await lab.in('copy', command('plait pull'));
    const kept = `main.kept-${ours.slice(0, 4)}`;
    assert.deepEqual(await branches('copy'), { main: theirs, [kept]: ours });
    assert.ok(pulled.branches.some((row: Document) => row.name === 'main' && row.action === 'replaced'));
    await quiet('copy');
    assert.deepEqual([existsSync(lab.path('copy', 'theirs')), existsSync(lab.path('copy', 'ours'))], [true, false]);
  });

  it('a branch that a sync deleted: the directory keeps its files, and is told how to go on', async () => {
    await lab.in('copy', command('plait pull'));
    await lab.in('copy', ['branch', 'create', 'side']);
    await lab.in('copy', ['checkout', 'side']);
    await lab.in('copy', ['sync']);
    await lab.in('work', ['sync']);
    await lab.in('work', ['branch', 'delete', 'side', '--force']);
    await lab.in('work', ['sync']);
    const rows = await lab.text(['-C', lab.path('copy'), 'sync']);
    assert.match(rows, /^- side deleted, was [0-9a-f]{12}$/m);
    const said = /the branch of this working directory was deleted.*plait snapshot -b NAME/;
    for (const verb of [['status'], ['log'], ['branch', 'list']]) {
      const end = await plait(['-C', lab.path('copy'), ...verb]);
      assert.deepEqual([end.exit, said.test(end.stderr)], [0, true], `${verb}: ${end.stderr}`);
    }
    const refused = { exit: 2, code: 'usage', message: /is on a branch that was deleted/, hint: /-b NAME/ };
    await fails(['-C', lab.path('copy'), 'snapshot'], refused);
    writeFileSync(lab.path('copy', 'more'), 'more');
    assert.equal((await lab.in('copy', ['snapshot', '-b', 'again'])).branch, 'again');
    await quiet('copy');
  });

  it('--pull-only sends nothing; flags of one branch or volset do not go with all of them', async () => {
    const before = (await lab.run(['--store', hub.store, 'volset', 'list'])).volsets[0].description;
    await lab.in('copy', ['update', '--description', 'not sent']);
    await lab.in('copy', ['sync'], 6, { env: { PLAIT_SYNC_PULL_ONLY: '1' } });
    assert.equal((await lab.run(['--store', hub.store, 'volset', 'list'])).volsets[0].description, before);
    for (const flags of [
      ['--volset', 'data'],
      ['--branch', 'main'],
      ['--snapshot', ours],
      ['--as', 'x'],
    ]) {
      const both = { exit: 2, code: 'usage', message: /--all-volsets means all of them/ };
      await fails(['-C', lab.path('copy'), 'push', '--all-volsets', ...flags], both);
    }
  });

  it('--all-volsets: a document and a block of rows for each', async () => {
    await lab.in('copy', command('plait pull'));
    const store = lab.path('bare');
    await lab.run(['init', '--bare', store, '--volset', 'second']);
    await lab.run(['--store', store, 'remote', 'add', 'origin', hub.url]);
    const done = await lab.run(['--store', store, 'sync', '--all-volsets']);
    assert.deepEqual(done.volsets.map((row: Document) => row.volset).sort(), ['data', 'second']);
    const text = await lab.text(['--store', store, 'sync', '--all-volsets']);
    assert.deepEqual(text.split('\n').sort(), ['', 'data: up to date with origin', 'second: up to date with origin']);
    const rows = await lab.text(['--store', store, 'pull', '--all-volsets', '--porcelain']);
    assert.match(rows, /^#\tdata\tok\n=\tmain\t[0-9a-f]{64}\t[0-9a-f]{64}\there up-to-date$/m);
  });
});
