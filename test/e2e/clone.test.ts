import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAndKill } from './helpers/kill.ts';
import { assertSame, type Document, type Hub, Lab } from './helpers/lab.ts';
import { noise } from './helpers/trees.ts';

describe('e2e: clone', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let url: string;
  const ids: Record<string, string> = {};
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    url = `${hub.url}/data`;
    const work = await lab.volume('work', hub);
    for (const [name, branch] of [
      ['one', undefined],
      ['two', undefined],
      ['side', 'side'],
    ]) {
      writeFileSync(join(work, `${name}`), noise(40_000, `${name}`.length));
      writeFileSync(join(work, 'always'), `${name}`);
      const made = await lab.in('work', ['snapshot', '-m', `${name}`, ...(branch ? ['-b', branch] : [])]);
      ids[`${name}`] = made.snapshot;
    }
    await lab.in('work', ['push']);
    await lab.in('work', ['checkout', 'main']);
  });
  after(() => lab[Symbol.asyncDispose]());
  const branches = async (dir: string) =>
    (await lab.in(dir, ['branch', 'list'])).branches.map(
      (b: Document) => `${b.current ? '*' : ''}${b.name} ${b.tip?.slice(0, 8)}`,
    );
  const held = async (dir: string, ref: string) =>
    (await lab.in(dir, ['log', ref])).snapshots.map((row: Document) => `${row.description} ${row.hasBlob}`);
  const short = (name: string) => ids[name].slice(0, 8);

  it('names the directory after the volset, records origin, checks main out', async () => {
    const made = await lab.run(['clone', url]);
    assert.deepEqual([made.volset, made.branch, made.snapshot, made.dir], ['data', 'main', ids.two, lab.path('data')]);
    assertSame(lab.path('work'), lab.path('data'));
    assert.deepEqual(await branches('data'), [`*main ${short('two')}`, `side ${short('side')}`]);
    const remotes = (await lab.in('data', ['remote', 'list'])).remotes;
    assert.deepEqual([remotes.length, remotes[0].name], [1, 'origin']);
  });

  it('--branch takes one branch, and keeps to it', async () => {
    const made = await lab.run(['clone', hub.url, 'branch', '--branch', 'side']);
    assert.equal(made.branch, 'side');
    assert.deepEqual(await held('branch', 'side'), ['side true', 'two true', 'one true']);
    assert.equal(existsSync(lab.path('branch', 'side')), true);
    const { selection } = (await lab.in('branch', ['remote', 'list'])).remotes[0];
    assert.deepEqual(selection, { branches: ['side'] });
    assert.equal((await lab.in('branch', ['pull'])).upToDate, true);
  });

  it('--tips takes no history, and a pull by name brings one of it', async () => {
    await lab.run(['clone', url, 'tips', '--tips']);
    assert.deepEqual(await held('tips', 'main'), ['two true', 'one false']);
    const absent = await lab.in('tips', ['ls', 'main~1'], 10);
    assert.match(absent.error.hint, /plait pull origin --snapshot/);
    await lab.in('tips', ['pull', 'origin', '--snapshot', ids.one]);
    assert.deepEqual(await held('tips', 'main'), ['two true', 'one true']);
    assert.equal(await lab.text(['-C', lab.path('tips'), 'cat', 'main~1', 'always']), 'one');
  });

  it('--metadata-only knows everything and holds nothing', async () => {
    const made = await lab.run(['clone', url, 'meta', '--metadata-only']);
    assert.deepEqual([made.pulled.snapshots, made.written], [0, 0]);
    assert.deepEqual(readdirSync(lab.path('meta')), ['.plait']);
    assert.deepEqual(await held('meta', 'main'), ['two false', 'one false']);
    assert.equal((await lab.in('meta', ['log'])).snapshots.length, 2, 'though nothing is checked out');
    assert.equal((await lab.in('meta', ['pull'])).upToDate, true);
    await lab.in('meta', ['checkout', 'main'], 10);
  });

  it('--bare makes a store that can be served; --no-checkout leaves the directory empty', async () => {
    await lab.run(['clone', url, 'bare', '--bare']);
    assert.equal(existsSync(lab.path('bare', '.plait')), false);
    const second = await lab.hub('bare');
    await lab.run(['clone', second.url, 'from-bare']);
    assertSame(lab.path('work'), lab.path('from-bare'));
    await lab.run(['clone', url, 'empty', '--no-checkout']);
    assert.deepEqual(readdirSync(lab.path('empty')), ['.plait']);
    await lab.in('empty', ['checkout', 'main']);
    assertSame(lab.path('work'), lab.path('empty'));
  });

  it('goes on in its own half-filled directory, and refuses any other', async () => {
    const argv = ['clone', url, 'half'];
    for (const afterMs of [0, 60, 120, 180, 240]) await runAndKill(argv, { cwd: lab.dir }, { line: 0, afterMs });
    await lab.run(argv, [0, 2]);
    assertSame(lab.path('work'), lab.path('half'));
    const again = await lab.run(argv, 2);
    assert.equal(again.error.code, 'exists');
    mkdirSync(lab.path('foreign'));
    writeFileSync(lab.path('foreign', 'mine'), 'mine');
    await lab.run(['clone', url, 'foreign'], 2);
    assert.deepEqual(readdirSync(lab.path('foreign')), ['mine']);
    mkdirSync(lab.path('waiting'));
    await lab.run(['clone', url, 'waiting']);
    assertSame(lab.path('work'), lab.path('waiting'));
  });

  it('says what is there when the name is wrong or missing', async () => {
    const wrong = await lab.run(['clone', `${hub.url}/dada`, 'x'], 10);
    assert.match(wrong.error.hint, /data/);
    const nothing = await lab.hub('nothing');
    await lab.run(['clone', nothing.url, 'x'], 10);
    await lab.run(['clone', 'http://127.0.0.1:1/data', 'x'], 13);
    // What is no URL is a path, where there is no store.
    await lab.run(['clone', 'not a url', 'x'], 10);
    assert.equal(existsSync(lab.path('x')), false);
  });
});
