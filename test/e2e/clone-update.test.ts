/** `clone --update`: one command for a CI job, whether its cache was put back whole, half, empty or not at all. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBadNetwork } from '../helpers/bad-network.ts';
import { assertSame, type Hub, Lab } from './helpers/lab.ts';
import { noise } from './helpers/trees.ts';

describe('e2e: clone --update', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    writeFileSync(join(work, 'a'), 'one');
    await save('first');
  });
  afterEach(() => rmSync(lab.path('job'), { recursive: true, force: true }));
  after(() => lab[Symbol.asyncDispose]());

  async function save(text: string): Promise<string> {
    writeFileSync(join(work, 'b'), text);
    return (await lab.in('work', ['snapshot', '--push', 'origin'])).snapshot;
  }
  const job = (flags: string[] = [], exit = 0) =>
    lab.run(['clone', `${hub.url}/data`, lab.path('job'), '--update', ...flags], exit);
  const at = (name: string): string => lab.path('job', name);

  it('clones where nothing is, and brings up to date what is there', async () => {
    const cloned = await job(['--ephemeral']);
    assert.deepEqual([cloned.updated, cloned.continued, cloned.branch], [false, false, 'main']);
    const second = await save('second');
    const updated = await job(['--ephemeral']);
    assert.deepEqual([updated.updated, updated.snapshot, updated.pulled.snapshots], [true, second, 1]);
    assertSame(work, lab.path('job'));
    const again = await job(['--ephemeral']);
    assert.deepEqual([again.updated, again.upToDate, again.pulled.snapshots], [true, true, 0]);
    await lab.verify(at('.plait'));
    // The hub tells of whom it has heard.
    await lab.in('work', ['pull']);
    const { members } = await lab.in('work', ['member', 'list']);
    assert.ok(members.length <= 1, 'an ephemeral clone leaves no trace');
  });

  it('a cache that was packed and unpacked elsewhere is the same clone', async () => {
    await job(['--ephemeral']);
    cpSync(lab.path('job'), lab.path('cache'), { recursive: true, preserveTimestamps: true });
    rmSync(lab.path('job'), { recursive: true });
    await save('third');
    cpSync(lab.path('cache'), lab.path('job'), { recursive: true, preserveTimestamps: true });
    assert.equal((await job(['--ephemeral'])).updated, true);
    assert.equal(readFileSync(at('b'), 'utf8'), 'third');
  });

  it('a cache of the store alone gets its files back', async () => {
    const empty = (): void => {
      for (const name of readdirSync(lab.path('job'))) if (name !== '.plait') rmSync(at(name));
    };
    await job();
    empty();
    assert.equal((await job()).written, 2);
    assertSame(work, lab.path('job'));
    empty();
    await save('fourth');
    await job();
    assertSame(work, lab.path('job'));
  });

  it('one that was cut off half-way is gone on with', async () => {
    writeFileSync(join(work, 'big'), noise(4 << 20, 3));
    await save('with big');
    await using line = await startBadNetwork({ to: hub.url });
    await line.set({ cutEach: { down: 1 << 20 } });
    const argv = ['clone', `${line.url}/data`, lab.path('job'), '--update'];
    await lab.run(argv, 13);
    await line.set({ cutEach: undefined });
    const done = await lab.run(argv);
    assert.deepEqual([done.continued, done.updated], [true, false]);
    assertSame(work, lab.path('job'));
  });

  it('unsaved changes keep the directory where it is, exit 8, and all data comes', async () => {
    await job();
    writeFileSync(at('a'), 'edited');
    const before = readFileSync(at('b'), 'utf8');
    await save('fifth');
    const kept = await job([], 8);
    assert.deepEqual([kept.updated, kept.pulled.snapshots], [true, 1]);
    assert.deepEqual([readFileSync(at('a'), 'utf8'), readFileSync(at('b'), 'utf8')], ['edited', before]);
    assert.equal(kept.problems[0].what, 'unsaved-changes');
  });

  it('another volset, or no clone at all, is refused and left as it is', async () => {
    await lab.run(['init', lab.path('other'), '--volset', 'other']);
    writeFileSync(lab.path('other', 'x'), 'x');
    await lab.in('other', ['snapshot']);
    const refused = async (dir: string, message: RegExp): Promise<void> => {
      const { error } = await lab.run(['clone', `${hub.url}/data`, lab.path(dir), '--update'], 2);
      assert.equal(error.code, 'exists');
      assert.match(error.message, message);
    };
    await refused('other', /is no clone of the volume set data/);
    mkdirSync(lab.path('full'));
    writeFileSync(lab.path('full', 'mine'), 'mine');
    await refused('full', /is not empty and is no unfinished clone/);
    assert.deepEqual(readdirSync(lab.path('full')), ['mine']);
    await lab.run(['clone', `${hub.url}/data`, lab.path('plain')]);
    const { error } = await lab.run(['clone', `${hub.url}/data`, lab.path('plain'), '--update', '--ephemeral'], 2);
    assert.match(error.message, /is not ephemeral/);
  });

  it('another hub with the same volset is not taken for the first, exit 16', async () => {
    await job();
    const other = await lab.hub('other-hub');
    await lab.in('work', ['remote', 'add', 'other', `${other.url}/data`]);
    await lab.in('work', ['push', 'other']);
    const { error } = await lab.run(['clone', `${other.url}/data`, lab.path('job'), '--update'], 16);
    assert.equal(error.code, 'identity');
    const { remotes } = await lab.in('job', ['remote', 'list']);
    assert.equal(remotes[0].url, hub.url);
  });

  it('another branch that is asked for is checked out', async () => {
    await job();
    writeFileSync(join(work, 'c'), 'side');
    await lab.in('work', ['snapshot', '-b', 'side', '--push', 'origin']);
    const { branch } = await job(['--branch', 'side']);
    assert.equal(branch, 'side');
    assertSame(work, lab.path('job'));
  });
});
