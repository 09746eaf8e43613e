import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isLegalPath } from '../../src/core/names.ts';
import { MAX_PATH, type PathKey, ROOT } from '../../src/core/paths.ts';
import { decodeQueryPath, encodeQueryPath, MAX_QUERY_PATH, queryPath } from '../../src/wire/query-path.ts';
import { fault } from '../../src/wire/schema.ts';
import { rejectsWith } from '../hub/support.ts';

const byte = fc.integer({ min: 1, max: 255 }).map((n) => String.fromCharCode(n));
const name = fc.string({ unit: byte, minLength: 1, maxLength: 20 });
const path = fc
  .array(name, { minLength: 1, maxLength: 6 })
  .map((names) => names.join('\0') as PathKey)
  .filter(isLegalPath);
const raw = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');

describe('wire: paths in queries', () => {
  it('come back as they were, whatever their bytes', () => {
    fc.assert(
      fc.property(path, (path) => {
        const text = encodeQueryPath(path);
        assert.equal(decodeQueryPath(text), path);
        assert.equal(fault(queryPath, text), undefined);
      }),
    );
    assert.equal(decodeQueryPath(encodeQueryPath(ROOT)), ROOT);
    const longest = Array.from({ length: 17 }, () => 'x'.repeat(240)).join('\0') as PathKey;
    assert.ok(longest.length <= MAX_PATH && encodeQueryPath(longest).length <= MAX_QUERY_PATH);
    assert.equal(decodeQueryPath(encodeQueryPath(longest)), longest);
  });

  const wrong: [string, string][] = [
    ['padding', 'YQ=='],
    ['plain base64', '+/+/'],
    ['a character too many', 'YWJjZ'],
    ['bits that are left over', 'YR'],
    ['white space', 'YW Jj'],
    ['an empty name', raw('a//b')],
    ['a leading slash', raw('/etc/passwd')],
    ['a slash behind', raw('a/')],
    ['.', raw('a/./b')],
    ['..', raw('../../etc')],
    ['NUL', raw('a\0b')],
    ['a name of 256 bytes', raw('x'.repeat(256))],
    ['a path that is too long', raw(Array.from({ length: 40 }, () => 'x'.repeat(200)).join('/'))],
    ['a folder of a store', raw('a/.plait/meta.db')],
  ];
  for (const [what, text] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => decodeQueryPath(text), rejectsWith('protocol', /names no path/)));
  }
});
