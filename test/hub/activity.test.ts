/** What a hub tells it is at: queues of its own store, real transfers that stand half-way, feeds, stamps. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Transfer } from '../../src/core/peer.ts';
import { newToken } from '../../src/hub/index.ts';
import { activityAnswer } from '../../src/wire/activity-schemas.ts';
import { decode } from '../../src/wire/schema.ts';
import { type Activity, MAX_VIEW_ITEMS } from '../../src/wire/views.ts';
import { noise } from '../blob/noise.ts';
import type { Tree } from '../transfer/support/history.ts';
import { objectsOf, partOf } from '../transfer/support/parts.ts';
import { Client, RealHub } from './real-hub.ts';

const treeOf = (files: number): Tree =>
  Object.fromEntries(Array.from({ length: files }, (_, n) => [`file${n}`, noise(n, 150_000).toString('base64')]));
/** More than all buffers between hub and client hold. */
const MANY = 200;
const snapshotOf = (n: number): SnapshotId => n.toString(16).padStart(64, '0') as SnapshotId;

describe('hub: activity', function () {
  this.timeout(30_000);
  let real: RealHub;
  let mine: Client;
  let other: Client;
  const tokens = { all: '', mine: '' };

  before(async () => {
    real = await RealHub.start();
    const ids = { all: '*', mine: randomBytes(16).toString('hex') };
    for (const name of ['all', 'mine'] as const) {
      const wanted = {
        volset: ids[name],
        can: ['read' as const, 'write' as const],
        label: `of ${name}`,
        expires: null,
      };
      const { text, row } = newToken(wanted, randomBytes, Date.now());
      await real.thread.meta.putToken(row);
      tokens[name] = text;
    }
    mine = new Client(real.hub.url, 'mine', ids.mine as VolsetId, undefined, tokens.all).begin();
    other = new Client(real.hub.url, 'other', undefined, undefined, tokens.all).begin();
    for (const client of [mine, other]) await client.push((await client.snapshot({ a: client.name })).id);
  });
  after(async () => {
    await mine[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await real[Symbol.asyncDispose]();
  });

  async function look(token = tokens.all): Promise<Activity> {
    const answer = await fetch(`${real.hub.url}/v1/activity`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200);
    return decode(activityAnswer, await answer.json(), 'activity');
  }

  /** What `met` says of it is awaited, not how long that takes. */
  async function until(met: (seen: Activity) => boolean, token?: string): Promise<Activity> {
    for (;;) {
      const seen = await look(token);
      if (met(seen)) return seen;
    }
  }

  it('nothing, where nothing goes on', async () => {
    const { queues, transfers, followers, stamps } = await look();
    assert.deepEqual({ queues, transfers, followers, stamps }, { queues: [], transfers: [], followers: 0, stamps: [] });
  });

  it('an upload whose body stands half-way is told, to whom it may concern, and gone when it is over', async () => {
    const made = await mine.snapshot(treeOf(12));
    const [transfer] = await mine.peer.offer(mine.volset, [
      { id: made.id, body: made.body, bytes: 1, chunks: 1, baseCandidates: [] },
    ]);
    assert.ok(transfer.answer === 'want');
    assert.deepEqual((await look()).transfers, [], 'agreed upon, and nothing has come');
    const part = Buffer.concat(await partOf(objectsOf(mine.store, made), [made], mine.volset));
    const half = part.length >> 1;
    const sending = upload(real.hub.url, transfer, part.length, tokens.all);
    sending.write(part.subarray(0, half));
    const seen = await until(({ transfers }) => transfers[0]?.bytes === half);
    const [{ since, used, ...told }] = seen.transfers;
    assert.deepEqual(told, {
      id: transfer.url.slice(-32, -24),
      direction: 'up',
      volset: mine.volset,
      volsetName: 'mine',
      by: 'of all',
      snapshots: 1,
      bytes: half,
    });
    assert.ok(since <= used && used <= seen.now);
    assert.equal((await look(tokens.mine)).transfers.length, 1);
    sending.end(part.subarray(half));
    assert.equal(await sending.answered, 200);
    assert.deepEqual((await look()).transfers, []);
  });

  it('a download that nobody takes further is told, and gone when its reader is', async () => {
    const made = await other.snapshot(treeOf(MANY));
    await other.upload([made.id]);
    await other.sendRecords();
    const [transfer] = await other.peer.request(other.volset, [{ id: made.id, baseCandidates: [] }]);
    assert.ok(transfer.answer === 'available');
    const headers = { authorization: `Bearer ${tokens.all}`, 'plait-transfer': transfer.token };
    const leave = new AbortController();
    const answer = await fetch(new URL(transfer.url, real.hub.url), { headers, signal: leave.signal });
    assert.equal(answer.status, 200);
    const seen = await until(({ transfers }) => transfers.length === 1);
    assert.equal(seen.transfers[0].direction, 'down');
    assert.equal(seen.transfers[0].volsetName, 'other');
    assert.ok(seen.transfers[0].bytes > 0);
    assert.deepEqual((await look(tokens.mine)).transfers, [], 'of another volume set');
    leave.abort();
    await until(({ transfers }) => transfers.length === 0);
  });

  it('its own queues, next ones first and dead ones last, of what the token covers', async () => {
    const { meta } = real.thread;
    const all = Array.from({ length: MAX_VIEW_ITEMS }, (_, n) => ({ snapshot: snapshotOf(n), priority: 0 as const }));
    await meta.enqueue(mine.volset, 'backup', all, 7);
    await meta.enqueue(mine.volset, 'backup', [{ snapshot: snapshotOf(1000), priority: 2 }], 8);
    await meta.enqueue(
      other.volset,
      'secret',
      [0, 1].map((n) => ({ snapshot: snapshotOf(n), priority: 1 })),
      9,
    );
    const error = { code: 'quota' as const, message: 'no room in /srv/elsewhere' };
    await meta.settle(other.volset, 'secret', [
      { snapshot: snapshotOf(0), outcome: 'rejected', error },
      { snapshot: snapshotOf(1), outcome: 'retry', error, notBefore: 99 },
    ]);
    const { queues } = await look();
    assert.deepEqual(
      queues.map(({ remote, volset, volsetName, waiting, dead, items }) => [
        remote,
        volset,
        volsetName,
        waiting,
        dead,
        items.length,
      ]),
      [
        ['backup', mine.volset, 'mine', MAX_VIEW_ITEMS + 1, 0, MAX_VIEW_ITEMS],
        ['secret', other.volset, 'other', 1, 1, 2],
      ],
    );
    assert.deepEqual(queues[0].items.slice(0, 2), [
      { snapshot: snapshotOf(1000), priority: 'high', added: 8, attempts: 0, error: null, dead: false },
      { snapshot: snapshotOf(0), priority: 'low', added: 7, attempts: 0, error: null, dead: false },
    ]);
    assert.deepEqual(
      queues[1].items.map(({ snapshot, attempts, error, dead }) => [snapshot, attempts, error, dead]),
      [
        [snapshotOf(1), 1, error.message, false],
        [snapshotOf(0), 0, error.message, true],
      ],
    );
    const scoped = await look(tokens.mine);
    assert.deepEqual(scoped.queues, [queues[0]]);
    await meta.settle(mine.volset, 'backup', [{ snapshot: snapshotOf(1000), outcome: 'rejected', error }]);
    await meta.unqueue({ remote: 'backup', snapshots: all.map(({ snapshot }) => snapshot) });
    const [{ items }] = (await look(tokens.mine)).queues;
    assert.deepEqual(
      items.map((item) => item.error),
      ['quota'],
      'no directory of this machine',
    );
  });

  it('when things last went well, newest first, damage left out', async () => {
    const { meta } = real.thread;
    const rows: [what: string, volset: VolsetId | null, at: number][] = [
      ['gc', null, 10],
      ['push:secret', null, 20],
      ['push:secret', other.volset, 30],
      ['pull:backup', mine.volset, 40],
      ['damage', null, 50],
    ];
    for (const [what, volset, at] of rows) await meta.putStamp({ what, volset, at, detail: null });
    const told = async (token?: string) => (await look(token)).stamps.map(({ what, volsetName }) => [what, volsetName]);
    assert.deepEqual(await told(), [
      ['pull:backup', 'mine'],
      ['push:secret', 'other'],
      ['push:secret', null],
      ['gc', null],
    ]);
    assert.deepEqual(await told(tokens.mine), [
      ['pull:backup', 'mine'],
      ['gc', null],
    ]);
  });

  it('feeds that are open: all of them, or those of the volume set alone', async () => {
    const leave = new AbortController();
    const headers = { authorization: `Bearer ${tokens.all}` };
    const paths = [`volsets/${mine.volset}/changes`, `volsets/${other.volset}/changes`, 'changes'];
    // Kept: an answer that is garbage ends its feed.
    const kept: Response[] = [];
    for (const path of paths) kept.push(await fetch(`${real.hub.url}/v1/${path}`, { headers, signal: leave.signal }));
    assert.equal((await look()).followers, 3);
    assert.equal((await look(tokens.mine)).followers, 1);
    assert.deepEqual([...new Set(kept.map(({ status }) => status))], [200]);
    leave.abort();
    await until(({ followers }) => followers === 0);
    await until(({ followers }) => followers === 0, tokens.mine);
  });
});

/** A part whose bytes the test sends itself. */
function upload(url: string, { url: path, token }: Transfer, length: number, bearer: string) {
  const { promise: answered, resolve, reject } = Promise.withResolvers<number>();
  const sending = request(new URL(path, url), {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/x-tar',
      'content-length': String(length),
      'plait-transfer': token,
    },
  });
  sending.on('error', reject);
  sending.on('response', (answer) => {
    answer.resume();
    answer.on('end', () => resolve(answer.statusCode ?? 0));
  });
  return Object.assign(sending, { answered });
}
