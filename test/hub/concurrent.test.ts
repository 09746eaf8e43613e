/** Many at once: edits of one volset, races for one ref, and a lock that another process holds. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { BranchId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import type { Health } from '../../src/hub/health.ts';
import { LogClient } from './log-client.ts';
import { RealHub } from './real-hub.ts';
import { BRANCH, body, VOLSET } from './support.ts';

describe('hub: many at once', () => {
  let real: RealHub;
  const clients: LogClient[] = [];
  beforeEach(async () => {
    real = await RealHub.start();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client[Symbol.asyncDispose]();
    await real[Symbol.asyncDispose]();
  });
  /** None tries anything twice. */
  const client = (): LogClient => {
    const made = new LogClient(real.hub.url);
    clients.push(made);
    return made;
  };

  /** One-shot, as the command does it: ask, apply, send what the other lacks, ask again. */
  async function sync(one: LogClient, volset: VolsetId = VOLSET): Promise<void> {
    await one.pull(volset);
    await one.push(await real.thread.meta.vector(volset), volset);
    await one.pull(volset);
  }

  it('50 clients edit one volset: nobody fails, nothing is lost, all end alike', async function () {
    this.timeout(120_000);
    await client().begin().push();
    const fifty = Array.from({ length: 50 }, client);
    await Promise.all(fifty.map((one) => one.pull()));
    for (const [n, one] of fifty.entries()) {
      one.set(`attr:own-${n}`, `${n}`);
      one.set('description', `said by ${n}`);
    }
    const results = await Promise.allSettled(fifty.map((one) => sync(one)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    // What came after somebody's last answer; resolutions of resolutions there are none, so this ends.
    for (let round = 0, before = ''; ; round++) {
      assert.ok(round < 13, 'it comes to rest');
      for (const one of fifty) await sync(one);
      const vector = JSON.stringify(await real.thread.meta.vector(VOLSET));
      if (vector === before) break;
      before = vector;
    }
    const shown = new Set(fifty.map(({ store }) => JSON.stringify(store.findVolset(VOLSET))));
    assert.equal(shown.size, 1);
    const view = await real.thread.meta.findVolset(VOLSET);
    assert.deepEqual([...shown], [JSON.stringify(view)]);
    assert.equal(Object.keys(view?.attrs ?? {}).length, 50);
    const kept = new Set(fifty[0].store.listConflicts(VOLSET).flatMap(({ current, target }) => [current, target]));
    for (let n = 0; n < 50; n++) assert.ok(kept.has(`said by ${n}`) || view?.description === `said by ${n}`, `${n}`);
    assert.deepEqual(await real.thread.meta.verify(), []);
  });

  it('two clients move one ref at once, 100 times: one wins, the other hears of it', async function () {
    this.timeout(60_000);
    const maker = client().begin();
    const edits: Parameters<typeof maker.store.commit>[1] = [
      { edit: 'create-branch', branch: BRANCH, name: 'main', creator: 'me' },
    ];
    // Both snapshots of a round follow both of the one before, so whoever won there, each is a step forward.
    const rounds: [SnapshotId, SnapshotId][] = [];
    for (let n = 0; n < 100; n++) {
      const bodies = [0, 1].map((k) => body([...(rounds.at(-1) ?? [])].sort(), n * 2 + k));
      for (const made of bodies) edits.push({ edit: 'snapshot', id: idOfBody(made), body: made, blob: true });
      rounds.push(bodies.map(idOfBody) as [SnapshotId, SnapshotId]);
    }
    maker.store.commit(VOLSET, edits);
    await maker.push();
    await real.thread.meta.setBlobs(VOLSET, rounds.flat());
    const two = [client(), client()];
    let tip: SnapshotId | null = null;
    for (const round of rounds) {
      const answers = await Promise.all(
        two.map(({ peer }, k) => peer.moveRefs(VOLSET, [{ branch: BRANCH, from: tip, to: round[k] }])),
      );
      const winner = answers.findIndex(({ moved }) => moved);
      assert.deepEqual(answers.map(({ moved }) => moved).sort(), [false, true]);
      tip = round[winner];
      assert.equal(answers[1 - winner].refs.find(({ branch }) => branch === BRANCH)?.snapshot, tip);
    }
    assert.equal((await real.thread.meta.findBranch(VOLSET, BRANCH as BranchId))?.tip, tip);
    // What was pushed came first.
    assert.equal(await real.thread.meta.revision(VOLSET), 101);
  });

  it('20 volsets, three clients each, all at once: each gets its own, whole', async function () {
    this.timeout(60_000);
    const volsets = Array.from({ length: 20 }, (_, n) => (n + 1).toString(16).padStart(32, '0') as VolsetId);
    await Promise.all(volsets.map((id, n) => client().begin(`volset ${n}`, id).push({}, id)));
    await Promise.all(
      volsets.flatMap((id, n) =>
        [0, 1, 2].map(async (k) => {
          const one = client();
          await one.pull(id);
          for (const edit of ['a', 'b']) {
            one.set(`attr:${k}${edit}`, `${n}`, id);
            await sync(one, id);
          }
        }),
      ),
    );
    for (const [n, id] of volsets.entries()) {
      const view = await real.thread.meta.findVolset(id);
      assert.equal(view?.name, `volset ${n}`);
      assert.deepEqual(view?.attrs, Object.fromEntries(['0a', '0b', '1a', '1b', '2a', '2b'].map((k) => [k, `${n}`])));
    }
    assert.deepEqual(await real.thread.meta.verify(), []);
  });

  it('while another process holds the write lock, questions are answered; writers wait and then go through', async () => {
    const [writer, reader] = [client().begin(), client()];
    await writer.push();
    await using lock = await holdWriteLock(join(real.dir, 'meta.db'));
    writer.set('description', 'waits');
    let pushed = false;
    const push = writer.push(await real.thread.meta.vector(VOLSET)).then(() => {
      pushed = true;
    });
    // Ten rounds of every question that a client may ask; each would hang if it waited for the writer.
    for (let n = 0; n < 10; n++) {
      const { ok, checks } = (await (await fetch(`${real.hub.url}/healthz`)).json()) as Health;
      assert.deepEqual([ok, checks['meta-read'], checks['meta-write']], [false, true, false]);
      assert.equal((await reader.peer.listVolsets()).length, 1);
      await reader.pull();
    }
    assert.equal(pushed, false);
    assert.equal(reader.store.findVolset(VOLSET)?.description, null);
    await lock[Symbol.asyncDispose]();
    await push;
    await reader.pull();
    assert.equal(reader.store.findVolset(VOLSET)?.description, 'waits');
  });
});

const HOLD = `
  import { DatabaseSync } from 'node:sqlite';
  const db = new DatabaseSync(process.argv[1]);
  db.exec('BEGIN IMMEDIATE');
  process.stdout.write('held');
  process.stdin.on('end', () => db.exec('ROLLBACK')).resume();
`;

async function holdWriteLock(path: string): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '--eval', HOLD, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the lock was not taken')));
  });
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
