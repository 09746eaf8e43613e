import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { BranchId, VolsetId } from '../../src/core/ids.ts';
import { type Client, type HubOfTwo, hubOfTwo, VOLSET } from './rig.ts';

const [OURS, THEIRS] = ['1', '2'].map((digit) => digit.repeat(32) as VolsetId);
const branch = (digit: string): BranchId => digit.repeat(32) as BranchId;

describe('sync: --all-volsets', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    await a.save({ f: '1' });
    await a.run('push');
    await b.run('pull');
    a.start(OURS, 'ours', branch('c'));
    b.start(THEIRS, 'theirs', branch('d'));
    await b.runAll('push');
    b.meta.commit(VOLSET, [{ edit: 'set', register: 'volset:description', value: 'b' }]);
    await b.run('push');
  });
  afterEach(() => rig[Symbol.asyncDispose]());
  const here = (client: Client) =>
    client.meta
      .listVolsets()
      .map(({ name }) => name)
      .sort();
  const there = async () => (await hub.thread.meta.listVolsets()).map(({ name }) => name).sort();

  it('sync: both ways, over one connection; what the remote follows stays', async () => {
    const { result, exits } = await a.runAll('sync');
    assert.deepEqual(exits, []);
    assert.deepEqual(
      [here(a), await there()],
      [
        ['data', 'ours', 'theirs'],
        ['data', 'ours', 'theirs'],
      ],
    );
    assert.equal(a.remote.volset, VOLSET);
    assert.equal(a.description, 'b');
    assert.deepEqual(result.volsets.map(({ volset }) => volset).sort(), ['data', 'ours', 'theirs']);
    const again = await a.runAll('sync');
    const requests = again.result.volsets.map((row) => ('error' in row ? row.error : [row.requests, row.upToDate]));
    assert.deepEqual(requests, [
      [1, true],
      [1, true],
      [1, true],
    ]);
  });

  it('pull brings theirs and sends nothing, push sends ours and brings nothing new', async () => {
    await a.runAll('pull');
    assert.deepEqual(
      [here(a), await there()],
      [
        ['data', 'ours', 'theirs'],
        ['data', 'theirs'],
      ],
    );
    const c = (await rig.client('c')).origin(hub).start(OURS, 'ours', branch('c'));
    await c.runAll('push');
    assert.deepEqual([here(c), await there()], [['ours'], ['data', 'ours', 'theirs']]);
  });

  it('one that fails stops no other: its error is a row, and the exit code tells', async () => {
    const rival = 'e'.repeat(32) as VolsetId;
    a.start(rival, 'theirs', branch('f'));
    const { result, exits } = await a.runAll('push');
    const failed = result.volsets.find(({ volsetId }) => volsetId === rival);
    assert.ok(failed && 'error' in failed);
    assert.deepEqual([failed.error.code, failed.error.exit, failed.volset], ['exists', 2, 'theirs']);
    assert.deepEqual([exits, await there()], [[2], ['data', 'ours', 'theirs']]);
  });

  it('a hub that is gone is asked once: the others get the same row', async () => {
    await a.runAll('sync');
    let asked = 0;
    a.meddle = (peer) => {
      peer.deltas = () => {
        asked++;
        return Promise.reject(new PlaitError('network', 'origin cannot be reached'));
      };
      return peer;
    };
    const { result, exits } = await a.runAll('sync');
    const rows = result.volsets.map((row) => 'error' in row && [row.volset, row.error.code, row.error.message]);
    const wanted = ['data', 'ours', 'theirs'].map((name) => [name, 'network', 'origin cannot be reached']);
    assert.deepEqual([rows.sort(), exits, asked], [wanted, [13, 13, 13], 1]);
  });

  it('a deletion travels, and one volset or branch is not all of them', async () => {
    await a.runAll('sync');
    b.meta.commit(THEIRS, [{ edit: 'delete', object: 'volset' }]);
    await b.runAll('sync');
    assert.deepEqual(await there(), ['data', 'ours']);
    await a.runAll('pull');
    assert.deepEqual(here(a), ['data', 'ours']);
    await assert.rejects(a.runAll('sync', { selection: { branches: ['main'] } }), { code: 'usage' });
    await assert.rejects(a.runAll('push', { as: 'x' }), { code: 'usage' });
  });
});
