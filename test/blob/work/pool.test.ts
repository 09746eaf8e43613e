import assert from 'node:assert/strict';
import { BlockBuilder } from '../../../src/blob/block-builder.ts';
import { ingest } from '../../../src/blob/work/ingest.ts';
import { WorkerPool } from '../../../src/blob/work/pool.ts';
import { BlockVerifier } from '../../../src/blob/work/verify.ts';
import { KIND, objectHash } from '../../../src/core/hash.ts';
import { noise } from '../noise.ts';
import { Rig } from './rig.ts';

function block(seed: number, length = 50_000): Buffer {
  const builder = new BlockBuilder(KIND.chunk);
  const bytes = noise(seed, length);
  builder.add(objectHash(KIND.chunk, bytes), bytes);
  return builder.encode();
}

describe('blob/work pool', () => {
  it('rejects the tasks of a thread that died, and starts another for the next', async () => {
    await using dying = new WorkerPool({ size: 2, entry: new URL('./dying-worker.ts', import.meta.url) });
    const input = { bytes: Buffer.from('die') };
    const lost = [dying.run(0, 'verifyBlock', input), dying.run(0, 'verifyBlock', input)];
    for (const task of lost) await assert.rejects(task, { name: 'PlaitError', code: 'unexpected' });
    assert.deepEqual(await dying.run(0, 'verifyBlock', { bytes: Buffer.from('live') }), 'alive');
  });

  it('ends an ingest with an error when a worker dies under it', async () => {
    await using rig = new Rig(new WorkerPool({ size: 2, entry: new URL('./dying-worker.ts', import.meta.url) }));
    for (let n = 0; n < 100; n++) rig.write(`f${n}`, 'x');
    const files = Array.from({ length: 100 }, (_, n) => rig.source(`f${n}`));
    const { runner, from: root, buildList } = rig;
    await assert.rejects(Array.fromAsync(ingest({ runner, root, files, sink: rig, buildList })), {
      code: 'unexpected',
    });
  });

  it('rejects what is asked of a closed pool, and what was under way', async () => {
    const pool = new WorkerPool({ size: 1 });
    const under = pool.run(0, 'verifyBlock', { bytes: block(1) });
    const rejected = assert.rejects(under, { code: 'interrupted' });
    await pool.close();
    await rejected;
    await assert.rejects(pool.run(0, 'end', { session: 1 }), { code: 'interrupted' });
  });

  it('verifies blocks, of views too, and says what is wrong with others', async () => {
    await using pool = new WorkerPool({ size: 2 });
    const verifier = new BlockVerifier(pool);
    const good = Array.from({ length: 20 }, (_, n) => block(n));
    const answers = await Promise.all(
      good.map((bytes) => verifier.verify(Buffer.concat([Buffer.of(0), bytes]).subarray(1))),
    );
    answers.forEach((answer, n) => {
      assert.ok(good[n].equals(answer), `block ${n}`);
    });
    const damaged = block(1);
    damaged[damaged.length - 1] ^= 1;
    await assert.rejects(verifier.verify(damaged), { code: 'integrity' });
    await assert.rejects(verifier.verify(Buffer.from('no block at all, by any reading')), { code: 'protocol' });
    const lying = new BlockBuilder(KIND.chunk);
    lying.add(objectHash(KIND.chunk, Buffer.from('a')), Buffer.from('b'));
    await assert.rejects(verifier.verify(lying.encode()), { code: 'integrity' });
  });
});
