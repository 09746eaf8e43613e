import assert from 'node:assert/strict';
import { failureDocument, normalizeFailure } from '../../src/cli/failure.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { type HubOfTwo, hubOfTwo } from './rig.ts';

/** The records are taken in one transaction, so the next session meets no conflict again: this one must tell. */
describe('sync: a session that fails after it has recorded conflicts', () => {
  let { rig, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, a, b } = await hubOfTwo());
    await a.run('push');
    await b.run('pull');
    a.set('volset:description', 'a');
    await a.run('push');
    b.set('volset:description', 'b');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const failing = async (error: Error): Promise<PlaitError> => {
    b.meddle = (peer) => {
      peer.sendGenerations = () => Promise.reject(error);
      return peer;
    };
    return b.run('sync').then(
      () => assert.fail('it must fail'),
      (thrown) => normalizeFailure(thrown),
    );
  };
  const documentOf = (error: PlaitError) =>
    (failureDocument(error, error.exit) as { error: { hint: string; data: { conflicts?: number } | null } }).error;

  it('says how many, after what is said of the failure itself', async () => {
    const error = await failing(new PlaitError('network', 'origin cannot be reached', { data: { url: 'x' } }));
    assert.deepEqual([error.exit, error.data], [13, { url: 'x', conflicts: 1 }]);
    assert.match(documentOf(error).hint, /^try again later; .*; 1 conflict was recorded: `plait conflicts list`$/);
    const again = documentOf(await failing(new PlaitError('network', 'origin cannot be reached')));
    assert.deepEqual(again.data, null, 'told once');
  });

  it('warns where the failure is none of ours', async () => {
    await failing(new Error('of the disk'));
    assert.ok(b.warnings.includes('1 conflict was recorded: `plait conflicts list`'), b.warnings.join('\n'));
  });

  it('a row of --all-volsets says it, too', async () => {
    b.meddle = (peer) => {
      peer.sendGenerations = () => Promise.reject(new PlaitError('forbidden', 'no'));
      return peer;
    };
    const [row] = (await b.runAll('sync')).result.volsets;
    assert.ok('error' in row);
    assert.equal(row.error.hint, '1 conflict was recorded: `plait conflicts list`');
  });
});
