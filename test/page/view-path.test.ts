/** Paths of any bytes pass through addresses and back. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bytesOfPath, decodePath, encodePath, lastName, parentPath, shownPath } from '../../src/page/view-path.ts';

const paths = fc.uint8Array({ minLength: 1, maxLength: 60 });
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

describe('page: paths', () => {
  it('bytes are the same after a round trip', () => {
    fc.assert(
      fc.property(paths, (bytes) => {
        const path = decodePath(base64url(bytes));
        assert.deepEqual([...bytesOfPath(path)], [...bytes]);
        assert.equal(encodePath(path), base64url(bytes));
      }),
    );
  });

  it('text stays text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (path) => {
        assert.deepEqual(decodePath(encodePath({ path })), { path });
      }),
    );
  });

  it('a folder and a name make the path', () => {
    fc.assert(
      fc.property(paths, paths, (folder, name) => {
        const own = name.map((byte) => (byte === 0x2f ? 0x61 : byte));
        const path = decodePath(base64url(Uint8Array.from([...folder, 0x2f, ...own])));
        assert.equal(encodePath(parentPath(path)), base64url(folder));
        assert.equal(encodePath(lastName(path)), base64url(own));
      }),
    );
  });

  const table: [what: string, bytes: string, shown: string][] = [
    ['plain', 'a/b.txt', 'a/b.txt'],
    ['a line break', 'a\nb', '"a\\nb"'],
    ['a mark of direction', 'a\u061cb', '"a\\u061cb"'],
    ['direction', 'a\u202egpj.exe', '"a\\u202egpj.exe"'],
  ];
  for (const [what, path, shown] of table)
    it(`shown: ${what}`, () => assert.equal(shownPath(decodePath(base64url(Buffer.from(path)))), shown));

  it('shown: what is no text', () => {
    assert.equal(shownPath(decodePath(base64url(Buffer.from([0x61, 0xff, 0x0a])))), '"a\\xff\\x0a"');
  });

  it('what is no base64 is refused', () => {
    assert.throws(() => decodePath('%%%'));
  });
});
