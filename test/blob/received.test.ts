import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ReceivedObjects } from '../../src/blob/received.ts';
import { hex, KIND, objectHash } from '../../src/core/hash.ts';

const isIndexed = (): boolean => true;
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
    it(`remembers length, place and need of each object, ${where}`, () => {
      const received = new ReceivedObjects(dir, limit);
      for (let n = 0; n < 5000; n++) {
        const kind = n % 2 === 0 ? KIND.chunk : KIND.node;
        received.add(kind, idOf(n), { length: n + 1, file: n % 3, block: 3_000_000_000 + n, raw: 2 * n }, isIndexed);
        // Coming again, elsewhere, changes nothing.
        received.add(kind, idOf(n), { length: 9, file: 77, block: 0, raw: 0 }, isIndexed);
      }
      const take = (file: number, n: number): boolean => {
        const row = { kind: KIND.chunk, id: idOf(n), block: 3_000_000_000 + n, raw: 2 * n };
        assert.equal(received.wanted(file, { ...row, raw: 2 * n + 1 }), false, 'another place');
        const wanted = received.wanted(file, row);
        if (wanted) received.recorded([{ kind: KIND.chunk, id: idOf(n) }]);
        return wanted;
      };
      assert.equal(fs.existsSync(path.join(dir, 'received.db')), limit < 5000);
      assert.equal(received.find(KIND.chunk, idOf(4998))?.length, 4999);
      const { length, file, block, raw } = received.find(KIND.chunk, idOf(4000)) ?? assert.fail();
      assert.deepEqual([length, file, block, raw], [4001, 1, 3_000_004_000, 8000]);
      assert.equal(received.holds(KIND.chunk, idOf(1)), false, 'another kind');
      received.batch(() => {
        for (let n = 0; n < 5000; n += 10) assert.equal(received.need(KIND.chunk, idOf(n)), n + 1);
      });
      assert.equal(received.need(KIND.chunk, idOf(1)), 0);
      assert.equal(take(0, 0), false, 'not accepted yet');
      assert.deepEqual([...received.late], []);
      received.accept();
      assert.deepEqual([...received.late].sort(), [0, 1, 2]);
      assert.equal(take(1, 0), false, 'it counts for another pack');
      assert.equal(take(0, 2), false, 'nothing needs it');
      assert.equal(take(0, 0), true);
      assert.equal(take(0, 0), false, 'once');
      assert.equal([...received.ids(KIND.node)].length, 2500);
      const rest = new Set([...received.ids(KIND.chunk)].map(hex));
      assert.equal(rest.size, 2499);
      assert.ok(rest.has(hex(idOf(2))) && !rest.has(hex(idOf(0))), 'without what the index has');
      received.late.clear();
      received.need(KIND.chunk, idOf(0));
      for (const n of [6, 12, 2, 4]) received.need(KIND.chunk, idOf(n));
      assert.deepEqual([...received.late], []);
      received.accept();
      assert.deepEqual([...received.late].sort(), [0, 1, 2]);
      received.add(KIND.chunk, idOf(0), { length: 1, file: 5, block: 32, raw: 0 }, isIndexed);
      assert.equal(received.holds(KIND.chunk, idOf(0)), false, 'the index has it');
      received.add(KIND.chunk, idOf(0), { length: 1, file: 5, block: 32, raw: 0 }, () => false);
      assert.equal(received.holds(KIND.chunk, idOf(0)), true, 'gc took it, and it came again');
      assert.equal(received.find(KIND.chunk, idOf(0))?.file, 5);
      received.close();
    });
  }
});
