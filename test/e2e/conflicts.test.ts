import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';

describe('e2e: conflicts', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    const work = await lab.volume('work', hub);
    writeFileSync(`${work}/text`, 'one');
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const update = (dir: string, ...argv: string[]) => lab.in(dir, ['update', ...argv]);
  const sync = (dir: string, exit: number | number[] = 0, ...argv: string[]) => lab.in(dir, ['sync', ...argv], exit);
  const open = async (dir: string): Promise<Document[]> => (await lab.in(dir, ['conflicts', 'list'])).conflicts;
  const description = async (dir: string) => (await lab.in(dir, ['volset', 'list'])).volsets[0].description;
  const sides = ({ kind, field, initial, current, target, resolution }: Document) => [
    kind,
    field,
    initial,
    current,
    target,
    resolution,
  ];
  /** Both sides described the volume set; copy met the conflict last. */
  const meet = async (...flags: string[]) => {
    await update('work', '--description', 'ours', '--attr', 'mine=1');
    await update('copy', '--description', 'theirs', '--attr', 'other=2');
    await sync('work');
    return sync('copy', 5, ...flags);
  };

  it('one field, two edits: both values are kept, one stands, on every store the same', async () => {
    await update('work', '--description', 'before');
    await sync('work');
    await sync('copy');
    const met = await meet();
    assert.deepEqual(met.conflicts.map(sides), [['volset', 'description', 'before', 'theirs', 'ours', 'target']]);
    assert.deepEqual([met.conflicts[0].volset, met.conflicts[0].objectName, met.upToDate], ['data', 'data', false]);
    const heard = await sync('work', 5);
    assert.equal(heard.conflicts[0].id, met.conflicts[0].id);
    assert.deepEqual(await Promise.all(['work', 'copy'].map(description)), ['ours', 'ours']);
    for (const dir of ['work', 'copy']) {
      assert.equal((await lab.in(dir, ['status'])).conflicts, 1);
      const [view] = (await lab.in(dir, ['volset', 'list'])).volsets;
      assert.deepEqual(view.attrs, { mine: '1', other: '2' }, 'other fields are not touched by it');
      const again = await sync(dir);
      assert.deepEqual([again.conflicts, again.upToDate, again.requests], [[], true, 1]);
    }
    const newcomer = await lab.run(['clone', `${hub.url}/data`, 'late']);
    assert.deepEqual(
      newcomer.conflicts.map((c: Document) => c.id),
      [met.conflicts[0].id],
      'shown, and no failure',
    );
    const there = await lab.run(['--store', hub.store, 'conflicts', 'list']);
    assert.deepEqual(
      there.conflicts.map((c: Document) => [c.id, c.volset]),
      [[met.conflicts[0].id, 'data']],
    );
  });

  it('says to people what happened, which value stands, and the command that settles it', async () => {
    await update('work', '--description', 'ours');
    await update('copy', '--description', 'theirs');
    await sync('work');
    const said = await lab.text(['-C', lab.path('copy'), 'sync'], 5);
    const [, id] =
      /^C description of volume set data: "theirs" here, "ours" there\n {2}"ours" stands; settle it with `plait conflicts resolve ([0-9a-f]{12}) --current\|--target\|--value TEXT`\n/.exec(
        said,
      ) ?? [];
    assert.ok(id, said);
    const at = (...argv: string[]) => lab.text(['-C', lab.path('copy'), ...argv]);
    assert.match(
      await at('conflicts', 'list'),
      new RegExp(`^id .*stands\\n${id} .*"theirs" +"ours" +target\\nsettle one`),
    );
    const shown = await at('conflicts', 'show', id.slice(0, 4));
    assert.match(
      shown,
      new RegExp(
        `^conflict ${id}[0-9a-f]{52}\\n.*\\n {2}initial: nothing\\n {2}current: "theirs"\\n {2}target: "ours", which stands\\n`,
      ),
    );
    assert.match(await at('status'), /^1 conflict to settle: `plait conflicts list`$/m);
    assert.match(await at('conflicts', 'resolve', id, '--current'), new RegExp(`^conflict ${id}, .*: settled\\n$`));
    assert.equal(await at('conflicts', 'list'), 'no conflicts\n');
    assert.match(await at('conflicts', 'list', '--all'), /current, settled/);
    assert.match(await at('conflicts', 'show', id), /^conflict [0-9a-f]{64}, settled\n/);
  });

  const choices: [string[], string | null, string][] = [
    [['--current'], 'theirs', 'current'],
    [['--target'], 'ours', 'target'],
    [['--value', 'agreed on'], 'agreed on', 'value'],
    [['--value', ''], null, 'value'],
  ];
  for (const [flags, value, resolution] of choices) {
    it(`resolve ${flags.join(' ')}: that value stands, and travels`, async () => {
      const [{ id }] = (await meet()).conflicts;
      await sync('work', 5);
      const done = await lab.in('copy', ['conflicts', 'resolve', id.slice(0, 8), ...flags]);
      assert.deepEqual([done.id, done.resolved, done.resolution, done.problems], [id, true, resolution, []]);
      assert.equal(await description('copy'), value);
      await sync('copy');
      await sync('work');
      assert.equal(await description('work'), value);
      assert.deepEqual(await open('work'), []);
      const [settled] = (await lab.in('work', ['conflicts', 'list', '--all'])).conflicts;
      // There the sides have changed places.
      const mirrored = { current: 'target', target: 'current', value: 'value' }[resolution];
      assert.deepEqual([settled.id, settled.resolved, settled.resolution], [id, true, mirrored]);
    });
  }

  const policies: [string, string[], Record<string, string>, string][] = [
    ['--prefer target, the default', [], {}, 'ours'],
    ['--prefer current', ['--prefer', 'current'], {}, 'theirs'],
    ['--prefer newest', ['--prefer', 'newest'], {}, 'theirs'],
    ['PLAIT_SYNC_PREFER', [], { PLAIT_SYNC_PREFER: 'current' }, 'theirs'],
  ];
  for (const [what, flags, env, value] of policies) {
    it(`${what}: decides which value stands on both sides`, async () => {
      await update('work', '--description', 'ours');
      await update('copy', '--description', 'theirs');
      await sync('work');
      const dry = await lab.in('copy', ['sync', '--dry-run', ...flags], 5, { env });
      assert.equal(dry.conflicts.length, 1);
      assert.deepEqual([await description('copy'), await open('copy')], ['theirs', []], 'a dry run writes nothing');
      const met = await lab.in('copy', ['sync', ...flags], 5, { env });
      assert.deepEqual(met.conflicts.map(sides), dry.conflicts.map(sides));
      await sync('work', 5);
      assert.deepEqual(await Promise.all(['work', 'copy'].map(description)), [value, value]);
    });
  }

  it('--prefer from the configuration; a value that is none names where it stands', async () => {
    await lab.in('copy', ['config', 'set', 'sync.prefer', 'current']);
    const met = await meet();
    assert.equal(met.conflicts[0].resolution, 'current');
    await lab.in('copy', ['config', 'set', 'sync.prefer', 'mine'], 2);
    const bad = { exit: 2, code: 'bad-config', message: /--prefer in PLAIT_SYNC_PREFER: mine is not one of/ };
    await fails(['-C', lab.path('copy'), 'sync'], bad, { env: { PLAIT_SYNC_PREFER: 'mine' } });
    await fails(['-C', lab.path('copy'), 'sync', '--prefer', 'mine'], { exit: 2, code: 'usage', message: /prefer/ });
  });

  it('deleted here, edited there: it stays, and either side can be chosen', async () => {
    await lab.in('work', ['branch', 'create', 'side']);
    await sync('work');
    await sync('copy');
    await lab.in('work', ['branch', 'delete', 'side']);
    await update('copy', 'branch:side', '--name', 'wanted');
    await sync('copy');
    const met = await sync('work', 5);
    assert.deepEqual(met.conflicts.map(sides), [['delete', 'deleted', 'side', null, 'wanted', 'target']]);
    const branches = async (dir: string) =>
      (await lab.in(dir, ['branch', 'list'])).branches.map((b: Document) => b.name).sort();
    assert.deepEqual(await branches('work'), ['main', 'wanted']);
    const [{ id }] = met.conflicts;
    const noValue = { exit: 2, code: 'usage', message: /a deletion has two sides/, hint: /--current or --target/ };
    await fails(['-C', lab.path('work'), 'conflicts', 'resolve', id, '--value', 'x'], noValue);
    assert.match(
      await lab.text(['-C', lab.path('work'), 'conflicts', 'show', id]),
      /--current {3}\(delete it\)\n.*--target {3}\(keep it\)/,
    );
    await lab.in('work', ['conflicts', 'resolve', id, '--current']);
    assert.deepEqual([await branches('work'), await open('work')], [['main'], []]);
    await sync('work');
    const rows = await lab.text(['-C', lab.path('copy'), 'sync', '--porcelain']);
    assert.match(rows, /^-\twanted\t[0-9a-f]{64}\t-\there deleted$/m);
    assert.deepEqual([await branches('copy'), await open('copy')], [['main'], []]);
  });

  it('the branch that one stands on is not deleted by a choice, but may be kept', async () => {
    await lab.in('work', ['branch', 'create', 'side']);
    await sync('work');
    await sync('copy');
    await lab.in('work', ['checkout', 'side']);
    await lab.in('copy', ['branch', 'delete', 'side']);
    await update('work', 'branch:side', '--name', 'wanted');
    await sync('copy');
    const [{ id }] = (await sync('work', 5)).conflicts;
    const refused = { exit: 2, code: 'usage', message: /is on that branch/, hint: /checkout/ };
    await fails(['-C', lab.path('work'), 'conflicts', 'resolve', id, '--target'], refused);
    assert.equal((await lab.in('work', ['conflicts', 'resolve', id, '--current'])).resolved, true);
    assert.equal((await lab.in('work', ['status'])).branch, 'wanted');
  });

  it('two branches of one name: shown apart, and settled by renaming one', async () => {
    await lab.in('work', ['branch', 'create', 'side']);
    await lab.in('copy', ['branch', 'create', 'side']);
    await sync('work');
    const met = await sync('copy', 5);
    const [row] = met.conflicts;
    assert.deepEqual([row.kind, row.target], ['name', 'side']);
    assert.match(row.objectName, /^side\.[0-9a-f]{4}$/);
    const command = `plait branch rename ${row.objectName} NEW`;
    const refused = {
      exit: 2,
      code: 'usage',
      message: /have the name side/,
      hint: new RegExp(command.replace('.', '\\.')),
    };
    await fails(['-C', lab.path('copy'), 'conflicts', 'resolve', row.id, '--current'], refused);
    const rows = await lab.text(['-C', lab.path('copy'), 'conflicts', 'show', row.id]);
    assert.ok(rows.includes(command), rows);
    await lab.in('copy', ['branch', 'rename', row.objectName, 'second']);
    assert.deepEqual(await open('copy'), []);
    await sync('copy');
    await sync('work', [0, 5]);
    const names = (await lab.in('work', ['branch', 'list'])).branches.map((b: Document) => b.name).sort();
    assert.deepEqual([names, await open('work')], [['main', 'second', 'side'], []]);
  });

  it('porcelain: a row C for each conflict, with its kind and id', async () => {
    await update('work', '--description', 'ours');
    await update('copy', '--description', 'theirs');
    await sync('work');
    const rows = await lab.text(['-C', lab.path('copy'), 'sync', '--porcelain'], 5);
    const [{ id }] = await open('copy');
    assert.ok(rows.split('\n').includes(`C\tdescription of volume set data\t-\t-\tvolset ${id}`), rows);
  });

  it('what cannot be: exit 2 and exit 10', async () => {
    const [{ id }] = (await meet()).conflicts;
    const at = (...argv: string[]) => ['-C', lab.path('copy'), 'conflicts', ...argv];
    const usage = (message: RegExp) => ({ exit: 2, code: 'usage', message });
    await fails(at('resolve', id), usage(/nothing was chosen/));
    await fails(at('resolve', id, '--current', '--target'), usage(/one choice at a time/));
    await fails(at('resolve', id, '--current', '--value', 'x'), usage(/one choice at a time/));
    await fails(at('resolve', id, '--value', 'x'.repeat(65_537)), usage(/too long/));
    for (const bad of ['abc', 'xyz0', '']) await fails(at('show', bad), usage(/is no id of a conflict/));
    const other = id.startsWith('ffff') ? '0000' : 'ffff';
    await fails(at('show', other), { exit: 10, code: 'not-found', message: /there is no conflict/ });
    await fails(at('resolve'), usage(/needs ID/));
    assert.equal((await open('copy')).length, 1);
  });
});
