import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ReceivedObjects } from '../../src/blob/received.ts';
import { KIND, objectHash } from '../../src/core/hash.ts';

const idOf = (n: number): Buffer => objectHash(KIND.chunk, Buffer.from(`${n}`));

describe('received objects', () => {
  let dir: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-received-'));
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  for (const [where, limit] of [
    ['in memory', 1_000_000],
    ['spilled to the disk, several times', 700],
  ] as const) {
    it(`remembers length, pack and need of each object, ${where}`, () => {
      let published = 0;
      const received = new ReceivedObjects(dir, (file) => file < published, limit);
      for (let n = 0; n < 5000; n++) {
        received.add(n % 2 === 0 ? KIND.chunk : KIND.node, idOf(n), n + 1, n % 3);
        // Coming again, elsewhere, changes nothing.
        received.add(n % 2 === 0 ? KIND.chunk : KIND.node, idOf(n), 9, 77);
      }
      assert.equal(fs.existsSync(path.join(dir, 'received.db')), limit < 5000);
      assert.equal(received.lengthOf(KIND.chunk, idOf(4998)), 4999);
      assert.equal(received.lengthOf(KIND.chunk, idOf(1)), 0, 'another kind');
      received.batch(() => {
        for (let n = 0; n < 5000; n += 10) assert.equal(received.need(KIND.chunk, idOf(n)), n + 1);
      });
      assert.equal(received.need(KIND.chunk, idOf(1)), 0);
      assert.equal(received.take(0, KIND.chunk, idOf(0)), false, 'not accepted yet');
      received.accept();
      assert.equal(received.take(1, KIND.chunk, idOf(0)), false, 'it counts for another pack');
      assert.equal(received.take(0, KIND.chunk, idOf(2)), false, 'nothing needs it');
      assert.equal(received.take(0, KIND.chunk, idOf(0)), true);
      assert.equal(received.take(0, KIND.chunk, idOf(0)), false, 'once');
      assert.deepEqual([...received.takeLate()], []);
      published = 2;
      received.need(KIND.chunk, idOf(0));
      for (const n of [6, 12, 2, 4]) received.need(KIND.chunk, idOf(n));
      assert.deepEqual([...received.takeLate()].sort(), [0, 1]);
      assert.deepEqual([...received.takeLate()], []);
      received.close();
    });
  }
});
