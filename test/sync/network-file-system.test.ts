import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import type { PlaitError } from '../../src/core/errors.ts';
import { refuseNetworkFileSystem } from '../../src/sync/store.ts';

describe('sync: network file systems', () => {
  const table: [name: string, type: number][] = [
    ['NFS', 0x6969],
    ['CIFS', 0xff534d42],
    ['SMB2', 0xfe534d42],
    ['9P', 0x01021997],
    ['Ceph', 0x00c36400],
  ];
  for (const [name, type] of table) {
    it(`${name} is refused with the way round it`, () => {
      assert.throws(
        () => refuseNetworkFileSystem('/mnt/share', type),
        ({ exit, message, hint }: PlaitError) =>
          exit === 2 &&
          message.includes(`(${name})`) &&
          message.includes('/mnt/share') &&
          /--store DIR/.test(hint ?? ''),
      );
    });
  }

  it('a local one is not', () => {
    refuseNetworkFileSystem(tmpdir());
    for (const ext4OrTmpfsOrBtrfs of [0xef53, 0x01021994, 0x9123683e]) refuseNetworkFileSystem('/', ext4OrTmpfsOrBtrfs);
  });
});
