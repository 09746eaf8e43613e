import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Extent } from '../../src/core/entry.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { checkExtents, decodeExtents, encodeExtents, MAX_CHUNK } from '../../src/core/extents.ts';

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const isIntegrity = (error: unknown): boolean => error instanceof PlaitError && error.code === 'integrity';
const anyExtent: fc.Arbitrary<Extent> = fc.oneof(
  fc.record({ length: fc.integer({ min: 1, max: MAX_CHUNK }), id: fc.integer({ min: 0, max: 255 }).map(id) }),
  fc.integer({ min: 1, max: 1000 }).map((n) => ({ length: n * MAX_CHUNK })),
);

describe('core/extents', () => {
  it('keeps the bytes in order, with neighbouring holes merged', () => {
    fc.assert(
      fc.property(fc.array(anyExtent, { maxLength: 64 }), (list) => {
        const bytes = encodeExtents(list);
        const back = decodeExtents(bytes);
        const total = list.reduce((sum, e) => sum + e.length, 0);
        assert.equal(checkExtents(bytes), total);
        assert.ok(
          back.every((e, i) => i === 0 || e.id || back[i - 1].id),
          'two holes side by side',
        );
        const chunks = (all: Extent[]) => all.filter((e) => e.id).map((e) => [e.length, e.id?.[0]]);
        assert.deepEqual(chunks(back), chunks(list));
        assert.deepEqual(encodeExtents(back), bytes);
      }),
    );
  });

  for (const [what, bytes] of [
    ['two holes side by side', [0x81, 0x80, 0x20, 0x81, 0x80, 0x20]],
    ['a hole that is no multiple of the largest chunk', [0x03]],
    ['an empty chunk', [0x00, ...id(1)]],
    ['a chunk that is too long', [0x82, 0x80, 0x20, ...id(1)]],
    ['half an id', [0x02, ...id(1).subarray(16)]],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => checkExtents(Uint8Array.from(bytes)), isIntegrity));
  }

  it('refuses 65 inline extents', () => {
    const bytes = encodeExtents(Array.from({ length: 65 }, (_, i) => ({ length: 1, id: id(i) })));
    assert.throws(() => checkExtents(bytes), isIntegrity);
  });
});
