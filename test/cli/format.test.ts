import assert from 'node:assert/strict';
import { formatBytes, formatCount, formatDuration, formatTable, plural } from '../../src/cli/format.ts';

describe('cli: numbers for people', () => {
  const rows: [actual: string, expected: string][] = [
    [formatBytes(0), '0 B'],
    [formatBytes(1023), '1023 B'],
    [formatBytes(1536), '1.5 KiB'],
    [formatBytes(1024 * 1024 - 1), '1.0 MiB'],
    [formatBytes(3 * 1024 ** 3), '3.0 GiB'],
    [formatCount(0), '0'],
    [formatCount(1234567), '1,234,567'],
    [plural(1, 'file'), '1 file'],
    [plural(2000, 'branch', 'branches'), '2,000 branches'],
    [formatDuration(420), '420 ms'],
    [formatDuration(3240), '3.2 s'],
    [formatDuration(59_999), '1 min 00 s'],
    [formatDuration(245_000), '4 min 05 s'],
    [formatDuration(7_800_000), '2 h 10 min'],
    [formatDuration(3 * 86_400_000 + 4 * 3_600_000), '3 d 4 h'],
  ];
  for (const [actual, expected] of rows) it(expected, () => assert.equal(actual, expected));

  it('aligns columns and leaves no spaces at the end', () => {
    const table = formatTable(
      ['NAME', 'URL'],
      [
        ['origin', 'http://a'],
        ['b', ''],
      ],
    );
    assert.deepEqual(table, ['NAME    URL', 'origin  http://a', 'b']);
    assert.deepEqual(formatTable(['NAME'], []), []);
  });
});
