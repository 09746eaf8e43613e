import assert from 'node:assert/strict';
import type { NodeId, VolsetId } from '../../src/core/ids.ts';
import type { SnapshotBody } from '../../src/core/records.ts';
import { checkSnapshotBody, decodeSnapshotBody, encodeSnapshotBody } from '../../src/core/snapshot-body.ts';

const body: SnapshotBody = {
  type: 'snapshot',
  volset: 'a1'.repeat(16) as VolsetId,
  parents: [],
  root: '0f'.repeat(32) as NodeId,
  created: 1,
  creator: 'me@here',
  files: 1,
  bytes: 10,
};

describe('core: the top directory in a snapshot', () => {
  it('is kept, and may be missing', () => {
    for (const dir of [undefined, { mode: 0o750, mtime: '-9223372036854775808' }, { mode: 0, mtime: '0' }]) {
      const one = dir === undefined ? body : { ...body, dir };
      assert.deepEqual(decodeSnapshotBody(encodeSnapshotBody(one)), one);
    }
  });

  const bad: unknown[] = [
    null,
    {},
    { mode: 0o644 },
    { mode: 0o1000, mtime: '0' },
    { mode: -1, mtime: '0' },
    { mode: 1.5, mtime: '0' },
    { mode: 0, mtime: 0 },
    { mode: 0, mtime: '-0' },
    { mode: 0, mtime: '01' },
    { mode: 0, mtime: '9223372036854775808' },
    { mode: 0, mtime: '1\n' },
    { mode: 0, mtime: '0', more: 1 },
  ];
  for (const dir of bad) {
    it(`refuses ${JSON.stringify(dir)}`, () => {
      assert.throws(() => checkSnapshotBody({ ...body, dir }), { code: 'protocol' });
    });
  }
});
