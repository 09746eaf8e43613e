/** The views of a hub that come from metadata: over HTTP, by who asks, against their schemas. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { snapshotKey } from '../../src/core/register.ts';
import { newToken } from '../../src/hub/index.ts';
import { decode, type Schema } from '../../src/wire/schema.ts';
import type { Right } from '../../src/wire/transfer-service.ts';
import * as schemas from '../../src/wire/view-schemas.ts';
import type {
  ConflictsPage,
  HistoryAsk,
  HistoryPage,
  Overview,
  Sizes,
  SnapshotDetails,
  VolsetDetails,
} from '../../src/wire/views.ts';
import { Client, RealHub } from './real-hub.ts';

describe('hub: views of metadata', function () {
  this.timeout(30_000);
  let real: RealHub;
  let mine: Client;
  let other: Client;
  let line: SnapshotId[];
  const tokens = { all: '', mine: '', blind: '' };

  before(async () => {
    real = await RealHub.start();
    const volset = randomBytes(16).toString('hex') as VolsetId;
    const wanted: Record<keyof typeof tokens, [string, Right[]]> = {
      all: ['*', ['read', 'write', 'delete']],
      mine: [volset, ['read']],
      blind: ['*', ['write']],
    };
    for (const [name, [of, can]] of Object.entries(wanted)) {
      const { text, row } = newToken({ volset: of, can, label: name, expires: null }, randomBytes, Date.now());
      await real.thread.meta.putToken(row);
      tokens[name as keyof typeof tokens] = text;
    }
    mine = new Client(real.hub.url, 'mine', volset, undefined, tokens.all).begin();
    other = new Client(real.hub.url, 'another', undefined, undefined, tokens.all).begin();
    const one = (await mine.snapshot({ a: 'one' })).id;
    const two = (await mine.snapshot({ a: 'one', b: 'three' }, [one])).id;
    line = [two, one];
    await mine.upload([one, two]);
    await mine.push(two);
    await other.push((await other.snapshot({ x: 'y' })).id);
  });
  after(async () => {
    await mine[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await real[Symbol.asyncDispose]();
  });

  const ask = (path: string, token: string, body?: unknown): Promise<Response> =>
    fetch(real.hub.url + path, {
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  async function look<T>(schema: Schema, path: string, token = tokens.all, body?: unknown): Promise<T> {
    const answer = await ask(path, token, body);
    const value = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(value));
    return decode<T>(schema, value, path);
  }
  const overview = (token?: string) => look<Overview>(schemas.overview, '/v1/overview', token);
  const of = (volset = mine.volset) => `/v1/volsets/${volset}`;
  const view = (volset?: VolsetId) => look<VolsetDetails>(schemas.volsetDetails, `${of(volset)}/view`);
  const history = (from: SnapshotId[] | null, limit: number, more: Pick<HistoryAsk, 'only'> = {}) =>
    look<HistoryPage>(schemas.historyPage, `${of()}/history`, tokens.all, { from, limit, ...more });
  const packed = (volset = mine.volset) => real.blob.packs(volset).reduce((sum, { bytes }) => sum + bytes, 0);

  it('an overview lists what the token covers, by name, with what is here of it', async () => {
    const all = await overview();
    assert.equal(all.store, real.thread.meta.self.store);
    assert.deepEqual(
      all.volsets.map(({ name }) => name),
      ['another', 'mine'],
    );
    const { newest, ...figures } = all.volsets[1];
    assert.deepEqual(figures, {
      ...{ id: mine.volset, name: 'mine', description: null, revision: await real.thread.meta.revision(mine.volset) },
      ...{ branches: 1, snapshots: 2, logicalBytes: 3 + 8, storedBytes: packed(), members: 1, followers: 0 },
      ...{ conflicts: 0, damaged: 0 },
    });
    assert.deepEqual([newest?.id, newest?.bytes, newest?.files], [line[0], 8, 2]);
    const some = await overview(tokens.mine);
    assert.deepEqual([some.volsets.map(({ name }) => name), some.more], [['mine'], 0]);
  });

  it('a view tells branches, members and the revision from which the feed goes on', async () => {
    const shown = await view();
    assert.equal(shown.revision, await real.thread.meta.revision(mine.volset));
    assert.deepEqual(shown.branchList, [{ id: mine.branch, name: 'main', tip: line[0] }]);
    assert.deepEqual(
      shown.memberList.map(({ store, state }) => [store, state]),
      [[mine.store.meta.self.store, 'active']],
    );
  });

  it('feeds that are open are counted, of that volset alone', async () => {
    const feed = await mine.peer.changes(mine.volset, {});
    assert.equal((await view()).followers, 1);
    assert.deepEqual(
      (await overview()).volsets.map(({ followers }) => followers),
      [0, 1],
    );
    await feed[Symbol.asyncDispose]();
  });

  it('history comes in pages that know where the next one begins', async () => {
    const first = await history(null, 1);
    assert.deepEqual([first.rows.map(({ id }) => id), first.next], [[line[0]], [line[1]]]);
    assert.deepEqual(first.rows[0].tips, [{ branch: 'main', store: null }]);
    const second = await history(first.next, 500);
    assert.deepEqual([second.rows.map(({ id }) => id), second.next], [[line[1]], []]);
    const tip = await history([line[0]], 500, { only: true });
    assert.deepEqual([tip.rows, tip.next], [first.rows, []], 'nothing before it');
    const details = await look<SnapshotDetails>(schemas.snapshotDetails, `${of()}/snapshots/${line[1]}`);
    const { root, owner, attrs, ...row } = details;
    assert.deepEqual([row, owner, attrs, root.length], [second.rows[0], null, {}, 64]);
  });

  it('sizes tell of each snapshot what it holds, and of each pack when it was written', async () => {
    const before = Date.now() - 600_000;
    const { snapshots, stored } = await look<Sizes>(schemas.sizes, `${of()}/sizes`);
    assert.deepEqual(
      snapshots.map(({ bytes, logical }) => [bytes, logical]),
      [
        [3, 3],
        [8, 11],
      ],
    );
    assert.equal(stored.at(-1)?.bytes, packed());
    for (const { at } of stored) assert.ok(at > before && at <= Date.now(), `${at}`);
  });

  it('conflicts come with the name that their object shows', async () => {
    const object = snapshotKey(line[0]);
    const { recordConflicts } = real.thread.meta;
    await recordConflicts(mine.volset, [
      {
        ...{ id: 'ab'.repeat(32) as never, kind: 'path', object, field: 'a/\u202eb', initial: null },
        ...{ current: line[0], target: line[1], resolution: 'current', resolved: false, writes: line },
      },
    ]);
    const { conflicts, more } = await look<ConflictsPage>(schemas.conflictsPage, `${of()}/conflicts`);
    assert.deepEqual([conflicts.map(({ field, objectName }) => [field, objectName]), more], [[['a/\u202eb', null]], 0]);
  });

  it('what was pushed meanwhile is there at once', async () => {
    const before = (await overview()).volsets[1];
    const more = (await mine.snapshot({ a: 'more' }, [line[0]])).id;
    await mine.upload([more]);
    await mine.sendRecords();
    await mine.peer.moveRefs(mine.volset, [{ branch: mine.branch, from: line[0], to: more }]);
    const after = (await overview()).volsets[1];
    assert.deepEqual([after.newest?.id, after.snapshots], [more, 3]);
    assert.equal(after.logicalBytes, before.logicalBytes + 4);
    assert.ok(after.revision > before.revision);
    await mine.peer.moveRefs(mine.volset, []);
    line.unshift(more);
  });

  const paths = (volset: string): [string, unknown?][] => [
    [`/v1/volsets/${volset}/view`],
    [`/v1/volsets/${volset}/history`, { from: null, limit: 1 }],
    [`/v1/volsets/${volset}/snapshots/${line[0]}`],
    [`/v1/volsets/${volset}/conflicts`],
    [`/v1/volsets/${volset}/sizes`],
  ];
  it('a token for one volset sees nothing of others; one that may not read sees nothing at all', async () => {
    for (const [path, body] of paths(other.volset))
      assert.equal((await ask(path, tokens.mine, body)).status, 403, path);
    for (const [path, body] of [...paths(mine.volset), ['/v1/overview'] as [string]])
      assert.equal((await ask(path, tokens.blind, body)).status, 403, path);
  });

  it('a volset that is unknown, only announced, or deleted is not found, and in no overview', async () => {
    const announced = randomBytes(16).toString('hex') as VolsetId;
    await mine.peer.createVolset({ id: announced, name: 'announced' });
    const gone = new Client(real.hub.url, 'gone', undefined, undefined, tokens.all).begin();
    await gone.push((await gone.snapshot({ a: 'b' })).id);
    assert.equal((await view(gone.volset)).name, 'gone');
    await real.thread.meta.commit(gone.volset, [{ edit: 'delete', object: 'volset' }]);
    for (const volset of ['ab'.repeat(16), announced, gone.volset])
      for (const [path, body] of paths(volset)) {
        const answer = await ask(path, tokens.all, body);
        assert.equal(answer.status, 404, path);
        await answer.body?.cancel();
      }
    assert.deepEqual(
      (await overview()).volsets.map(({ name }) => name),
      ['another', 'mine'],
    );
    await gone[Symbol.asyncDispose]();
  });

  const bad: [string, unknown][] = [
    ['no limit', { from: null }],
    ['too many rows', { from: null, limit: 501 }],
    ['no rows', { from: null, limit: 0 }],
    ['too wide', { from: Array(4097).fill('a'.repeat(64)), limit: 1 }],
    ['no ids', { from: ['x'], limit: 1 }],
  ];
  for (const [what, body] of bad) {
    it(`history with ${what} is refused`, async () => {
      const answer = await ask(`${of()}/history`, tokens.all, body);
      assert.equal(answer.status, 400);
    });
  }
});
