/** A client that can only add: pushes arrive, nothing is read, renamed or deleted, at a hub or with a token like that. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';
import { plait } from './helpers/plait.ts';

describe('e2e: a token that adds and does not read', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  const tokens: Record<string, string> = {};

  const as = (name: string) => ({ env: { PLAIT_TOKEN: tokens[name] } });
  const save = async (dir: string, text: string): Promise<string> => {
    writeFileSync(lab.path(dir, 'a'), text);
    return (await lab.in(dir, ['snapshot'])).snapshot;
  };
  const tipThere = async (): Promise<string> => {
    const { branches } = await lab.run(['--store', hub.store, 'branch', 'list']);
    return branches.find((row: { name: string }) => row.name === 'main').tip;
  };
  const isThere = async (snapshot: string): Promise<void> => {
    const out = lab.path(`restored-${snapshot.slice(0, 8)}`);
    await lab.run(['--store', hub.store, 'restore', snapshot, '--to', out]);
  };

  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    await lab.volume('work', hub);
    for (const can of ['append', 'append,write', 'read,write', 'read']) {
      tokens[can] = (await lab.run(['--store', hub.store, 'token', 'create', '--can', can])).token;
    }
  });
  after(() => lab[Symbol.asyncDispose]());

  it('with write: the volume set is made, snapshots arrive, the branch moves', async () => {
    const first = await save('work', 'one');
    const { pushed } = await lab.in('work', ['push'], 0, as('append,write'));
    assert.equal(pushed.snapshots, 1);
    assert.equal(await tipThere(), first);
    const second = await save('work', 'two');
    await lab.in('work', ['push'], 0, as('append,write'));
    assert.equal(await tipThere(), second);
    const again = await lab.in('work', ['push'], 0, as('append,write'));
    assert.equal(again.upToDate, true);
  });

  it('reads nothing: pull, fetch, clone, a list of what is there', async () => {
    const forbidden = { exit: 12, code: 'forbidden', message: /does not allow to read/, hint: /token create/ };
    const setup = { cwd: lab.path('work'), ...as('append,write') };
    for (const argv of [
      ['clone', hub.url, lab.path('copy')],
      ['remote', 'show', 'origin'],
    ])
      await fails(argv, forbidden, setup);
    await lab.in('work', ['fetch'], 12, as('append'));
    await lab.in('work', ['pull'], 12, as('append'));
  });

  it('without write: snapshots arrive, the branch stays, and the client says so', async () => {
    const tip = await tipThere();
    const third = await save('work', 'three');
    const end = await plait(['push'], { cwd: lab.path('work'), ...as('append') });
    assert.equal(end.exit, 0, JSON.stringify(end));
    assert.match(end.stderr, /adds snapshots and moves no branch/);
    assert.equal(await tipThere(), tip);
    await isThere(third);
    const fourth = await save('work', 'four');
    const { pushed, problems } = await lab.in('work', ['push'], 0, as('append'));
    assert.deepEqual([pushed.snapshots, problems], [1, []]);
    await isThere(fourth);
    const again = await lab.in('work', ['push'], 0, as('append'));
    assert.deepEqual([again.pushed.snapshots, again.problems], [0, []]);
  });

  it('what others bring meanwhile is neither told nor taken for a loss', async () => {
    await lab.run(['clone', `${hub.url}/data`, lab.path('other')], 0, as('read,write'));
    await lab.in('other', ['branch', 'create', 'side'], 0, as('read,write'));
    await lab.in('other', ['push'], 0, as('read,write'));
    const fifth = await save('work', 'five');
    await lab.in('work', ['push'], 0, as('append'));
    await isThere(fifth);
    await lab.in('work', ['push'], 0, as('append,write'));
    assert.equal(await tipThere(), fifth);
    const { branches } = await lab.in('work', ['branch', 'list']);
    assert.deepEqual(
      branches.map((row: { name: string }) => row.name),
      ['main'],
    );
    // With a token that reads, the same store goes on as if nothing had been.
    await lab.in('work', ['pull'], 0, as('read,write'));
    assert.equal((await lab.in('work', ['push'], 0, as('append'))).problems.length, 0);
    await lab.verify(hub.store);
  });

  it('renames and deletes nothing, with write or without', async () => {
    const refused = async (message: RegExp): Promise<void> => {
      for (const can of ['append', 'append,write'])
        await fails(
          ['push'],
          { exit: 12, code: 'forbidden', message, hint: /may read and write/ },
          { cwd: lab.path('work'), ...as(can) },
        );
    };
    await lab.in('work', ['branch', 'rename', 'main', 'mine']);
    await refused(/renames something/);
    assert.ok(await tipThere());
    await lab.in('work', ['branch', 'delete', 'side']);
    await refused(/deletes something/);
    assert.ok(await tipThere());
  });
});

describe('e2e: serve --append-only', function () {
  this.timeout(120_000);

  it('takes snapshots and moves branches; renames and deletions are refused whole', async () => {
    await using lab = new Lab();
    const hub = await lab.hub('vault', '--append-only');
    const work = await lab.volume('work', hub);
    writeFileSync(join(work, 'a'), 'one');
    const { pushed } = await lab.in('work', ['snapshot', '--push', 'origin']).then((made) => made.push ?? made);
    assert.ok(pushed === undefined || pushed.snapshots === 1);
    await lab.in('work', ['branch', 'create', 'side']);
    await lab.in('work', ['push']);
    const names = async (): Promise<string[]> => {
      const { branches } = await lab.run(['--store', hub.store, 'branch', 'list']);
      return branches.map((row: { name: string }) => row.name).sort();
    };
    assert.deepEqual(await names(), ['main', 'side']);
    await lab.in('work', ['branch', 'delete', 'side']);
    await lab.in('work', ['push'], 12);
    assert.deepEqual(await names(), ['main', 'side']);
    await lab.verify(hub.store);
  });
});
