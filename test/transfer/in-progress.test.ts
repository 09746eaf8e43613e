import assert from 'node:assert/strict';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { InProgress } from '../../src/transfer/in-progress.ts';
import type { TransferClaims } from '../../src/wire/transfer-service.ts';

const MINUTE = 60_000;

const claimsOf = (uploadId: string, direction: 'up' | 'down' = 'up'): TransferClaims => ({
  volset: 'a1'.repeat(16) as VolsetId,
  direction,
  uploadId,
  snapshots: ['b'.repeat(64) as SnapshotId, 'c'.repeat(64) as SnapshotId],
  base: null,
  owner: 'somebody',
  expiresAt: 0,
});

describe('transfer: in progress', () => {
  let now: number;
  let expected: Set<string>;
  let passing: InProgress;
  beforeEach(() => {
    now = 1000;
    expected = new Set();
    passing = new InProgress({
      now: () => now,
      since: (id) => (id === 'agreed' ? 5 : undefined),
      expects: (id) => expected.has(id),
    });
  });
  const ids = (): string[] => passing.list().map(({ uploadId }) => uploadId);

  async function* bodyOf(...sizes: number[]): AsyncGenerator<Uint8Array> {
    for (const size of sizes) yield Buffer.alloc(size);
  }
  const whole = (claims: TransferClaims, ...sizes: number[]) =>
    Array.fromAsync(passing.counted(claims, bodyOf(...sizes)));
  /** As far as its first piece. */
  async function begun(claims: TransferClaims, ...sizes: number[]): Promise<AsyncGenerator<Uint8Array>> {
    const body = passing.counted(claims, bodyOf(...sizes));
    await body.next();
    return body;
  }

  it('tells what has passed, since it was agreed upon, over several bodies', async () => {
    expected.add('agreed');
    await whole(claimsOf('agreed'), 10, 20);
    now = 2000;
    await begun(claimsOf('agreed'), 5, 5);
    assert.deepEqual(passing.list(), [
      {
        uploadId: 'agreed',
        direction: 'up',
        volset: 'a1'.repeat(16),
        owner: 'somebody',
        snapshots: 2,
        bytes: 35,
        since: 5,
        used: 2000,
      },
    ]);
  });

  it('one of before the start is told since it was first seen', async () => {
    await begun(claimsOf('other'), 1);
    assert.equal(passing.list()[0].since, 1000);
  });

  it('nothing of which a byte has passed', async () => {
    expected.add('empty');
    await whole(claimsOf('empty'));
    assert.deepEqual(ids(), []);
  });

  it('none that stands still for a minute, and again as soon as it moves', async () => {
    const body = await begun(claimsOf('slow'), 1, 1);
    now += MINUTE - 1;
    assert.deepEqual(ids(), ['slow']);
    now += 1;
    assert.deepEqual(ids(), []);
    await body.next();
    assert.deepEqual(ids(), ['slow']);
    assert.equal(passing.list()[0].bytes, 2);
  });

  it('a download while one of its streams runs, an upload while more is expected', async () => {
    expected.add('up').add('down');
    await whole(claimsOf('up'), 1);
    const streams = [await begun(claimsOf('down', 'down'), 1, 1), await begun(claimsOf('down', 'down'), 1, 1)];
    assert.deepEqual(ids().sort(), ['down', 'up']);
    for (const stream of streams) for await (const _ of stream);
    assert.deepEqual(ids(), ['up']);
    expected.delete('up');
    assert.deepEqual(ids(), []);
  });

  it('a body that is left counts no more', async () => {
    const body = await begun(claimsOf('left', 'down'), 1, 1);
    await body.return(undefined);
    assert.deepEqual(ids(), []);
  });

  it('forgets on request, and knows so many only', async () => {
    const bodies = [];
    for (let n = 0; n < 1001; n++) {
      now++;
      bodies.push(await begun(claimsOf(`id${n}`), 1));
    }
    assert.equal(ids().length, 1000);
    assert.deepEqual([ids()[0], ids().at(-1)], ['id1000', 'id1']);
    passing.forget('id7');
    assert.ok(!ids().includes('id7'));
    for (const body of bodies) await body.return(undefined);
  });
});
