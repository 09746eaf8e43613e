import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlaitError } from '../../src/core/errors.ts';
import { ByteReader, varintSize, writeVarint } from '../../src/core/varint.ts';

const encode = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  return bytes.subarray(0, writeVarint(bytes, 0, value));
};
const isIntegrity = (error: unknown): boolean => error instanceof PlaitError && error.code === 'integrity';

describe('core/varint', () => {
  for (const [value, hex] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [0x7fffffff, 'ffffffff07'],
    [0x80000000, '8080808008'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ] as const) {
    it(`writes ${value} as ${hex}`, () => assert.equal(Buffer.from(encode(value)).toString('hex'), hex));
  }

  it('reads back what it wrote, in the size that it promised', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = encode(value);
        assert.equal(bytes.length, varintSize(value));
        const reader = new ByteReader(bytes);
        assert.equal(reader.varint(), value);
        assert.equal(reader.pos, bytes.length);
      }),
    );
  });

  for (const [hex, why] of [
    ['', 'nothing'],
    ['80', 'cut short'],
    ['8000', 'not the shortest form'],
    ['ffffffffffffff10', 'above 2^53'],
    ['ffffffffffffffff01', 'nine bytes'],
  ]) {
    it(`refuses ${hex || 'an empty buffer'}: ${why}`, () => {
      assert.throws(() => new ByteReader(Buffer.from(hex, 'hex')).varint(), isIntegrity);
    });
  }

  it('never moves beyond its end', () => {
    const reader = new ByteReader(new Uint8Array(4), 1, 3);
    assert.throws(() => reader.skip(3), isIntegrity);
    assert.equal(reader.skip(2), 1);
  });
});
