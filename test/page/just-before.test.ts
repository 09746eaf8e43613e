/** Pages of a diff that begin with one path: asked for behind a path that comes before it, and that the hub takes. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isLegalPath } from '../../src/core/names.ts';
import { keyOfBytes } from '../../src/core/paths.ts';
import { justBefore } from '../../src/page/diff/just-before.ts';

const key = (path: Uint8Array): string => Buffer.from(path).toString('latin1').replaceAll('/', '\0');

describe('page: the path just before another', () => {
  const table: [path: string, before: string | undefined][] = [
    ['a/b', 'a/a'.padEnd(11, '\xff')],
    ['b', 'a'.padEnd(9, '\xff')],
    ['a/0', 'a/.'.padEnd(11, '\xff')],
    ['n'.repeat(255), `${'n'.repeat(254)}m`],
    ['a/\x01', undefined],
    ['', undefined],
  ];
  for (const [path, before] of table)
    it(JSON.stringify(path.slice(0, 8)), () => {
      const told = justBefore(Buffer.from(path, 'latin1'));
      assert.equal(told && Buffer.from(told).toString('latin1'), before);
    });

  it('comes before it and behind its lesser siblings, in the order of snapshots, and is legal', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '0', '.', '~', '\x02', 'ü'), minLength: 1, maxLength: 6 });
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => Buffer.from(names.join('/')));
    fc.assert(
      fc.property(path, path, (one, other) => {
        const legal = [one, other].every((each) => isLegalPath(keyOfBytes(each)));
        fc.pre(legal);
        const before = justBefore(one);
        assert.ok(before);
        assert.ok(isLegalPath(keyOfBytes(before)), JSON.stringify(key(before)));
        assert.ok(key(before) < key(one));
        // Only what goes on with 0xff, or lies below such a name, could be between.
        if (key(other) < key(one)) assert.ok(key(other) < key(before));
      }),
    );
  });
});
