/** A follower that was away: what it asks its hub for when it comes back, by the hub's own count. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openMetaStore } from '../../src/meta/index.ts';
import { Follower } from './helpers/follower.ts';
import { type Hub, Lab } from './helpers/lab.ts';

describe('e2e: a follower that was away', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    await lab.volume('a', hub);
    await save('first');
    await lab.run(['clone', `${hub.url}/data`, lab.path('b')]);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  async function save(text: string): Promise<string> {
    writeFileSync(lab.path('a', 'file'), text);
    const { snapshot } = await lab.in('a', ['snapshot', '-m', text]);
    await lab.in('a', ['push']);
    return snapshot;
  }

  /** What the hub was asked for since it began, by route and status; a feed counts when it has ended. */
  async function asked(): Promise<Map<string, number>> {
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    const lines = text.matchAll(/^plait_requests_total\{method="\w+",route="([^"]+)",status="(\d+)"\} (\d+)$/gm);
    return new Map(
      [...lines].map(([, route, status, count]) => [`${route.split('/').at(-1)} ${status}`, Number(count)]),
    );
  }

  /** Follows until it has come to `tip` and is in sync, is killed, and tells what it asked for. */
  async function follows(tip: string, flags: string[] = []): Promise<Record<string, number>> {
    const before = await asked();
    const b = Follower.start(lab, 'b', flags);
    const here = (): boolean =>
      b.events.some(({ event, side, to }) => event === 'branch' && side === 'here' && to === tip);
    const had = (await lab.in('b', ['log'])).snapshots[0].snapshot === tip;
    await b.next(({ status }) => status === 'in-sync' && (had || here()));
    await b.stop('SIGKILL');
    const during = await asked();
    const counts = ['changes 410', 'deltas 200', 'state 200'].map((what) => [
      what,
      (during.get(what) ?? 0) - (before.get(what) ?? 0),
    ]);
    return Object.fromEntries(counts.filter(([, count]) => count !== 0));
  }

  it('goes on at its marker: no state is asked for', async () => {
    await follows(await save('second'));
    await save('third');
    await lab.in('a', ['update', '--attr', 'k=v']);
    const fourth = await save('fourth');
    assert.deepEqual(await follows(fourth), {});
    assert.deepEqual((await lab.in('b', ['volset', 'list'])).volsets[0].attrs, { k: 'v' });
  });

  it('after a compaction of what it has not heard of: one state, and the marker holds again', async () => {
    const readOnly = ['--pull-only'];
    await follows(await save('second'), readOnly);
    for (const value of ['x', 'y', 'z']) {
      await lab.in('a', ['update', '--attr', `k=${value.repeat(200)}`]);
      await lab.in('a', ['push']);
    }
    const third = await save('third');
    {
      using meta = openMetaStore({ path: join(hub.store, 'meta.db') });
      const [{ id }] = meta.listVolsets();
      assert.ok(meta.compact(id, { retireAfterMs: 86_400_000 }).dropped > 0);
    }
    assert.deepEqual(await follows(third, readOnly), { 'changes 410': 1, 'deltas 200': 1 });
    assert.deepEqual(await follows(third, readOnly), {});
    const fourth = await save('fourth');
    assert.deepEqual(await follows(fourth, readOnly), {});
    await lab.verify(lab.path('b', '.plait'));
  });

  it('a hub that was made anew at its address: exit 16, and not a byte has changed', async () => {
    await follows(await save('second'));
    writeFileSync(lab.path('b', 'file'), 'unsaved');
    await lab.in('b', ['update', '--attr', 'not=sent']);
    const { host } = new URL(hub.url);
    await hub.stop();
    rmSync(hub.store, { recursive: true });
    hub = await lab.hub('hub', '--listen', host);
    const before = contents(lab.path('b', '.plait'));
    for (const flags of [[], ['--pull-only'], ['--once']]) {
      const { exit } = await Follower.start(lab, 'b', flags).running.ended;
      assert.equal(exit, 16);
      assert.deepEqual(contents(lab.path('b', '.plait')), before, flags.join());
    }
    assert.deepEqual(await (await fetch(`${hub.url}/v1/volsets`)).json(), { volsets: [] });
  });
});

/** Every row of the metadata, and the names of all files of the store. */
function contents(store: string): Record<string, unknown> {
  const files = readdirSync(store, { recursive: true, encoding: 'utf8' }).filter((name) => !/-(wal|shm)$/.test(name));
  using db = new DatabaseSync(join(store, 'meta.db'), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const rows = tables.map(({ name }) => [name, db.prepare(`SELECT * FROM "${name}"`).all()]);
  return { files: files.sort(), ...Object.fromEntries(rows) };
}
