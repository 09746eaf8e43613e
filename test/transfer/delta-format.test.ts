import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlaitError } from '../../src/core/errors.ts';
import { unhex } from '../../src/core/hash.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import { type DeltaEntry, decodeDeltas, encodeDeltas } from '../../src/transfer/delta-format.ts';
import { Random, seeded } from '../support/seed.ts';

const ROOT = 'a1'.repeat(32) as NodeId;
const BASE = 'b2'.repeat(32) as NodeId;

const node = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((id) => Buffer.from(id).toString('hex') as NodeId);
const frame = fc.uint8Array({ minLength: 1, maxLength: 50 });
const path = fc
  .array(fc.constantFrom('a', 'src', 'lib', '\xff', 'x'.repeat(40)), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('\0') as PathKey);
const start = fc.oneof(fc.nat(300), fc.nat(2 ** 31), fc.constant(2 ** 50));
const extents = fc.array(fc.tuple(start, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 4 });
const bytes = fc.array(fc.tuple(start, fc.nat(20_000)), { minLength: 1, maxLength: 4 });
const nodes = fc.record({
  targets: fc.array(fc.record({ id: node, length: fc.integer({ min: 1, max: 70_000 }) }), {
    minLength: 1,
    maxLength: 8,
  }),
  base: fc.array(node, { minLength: 1, maxLength: 8 }),
  frame,
});
const file = fc.record({ path, base: path, targets: extents, pieces: bytes });
const chunks = fc.record({ files: fc.array(file, { minLength: 1, maxLength: 5 }), frame });
const entries: fc.Arbitrary<DeltaEntry> = fc.oneof(
  fc
    .array(nodes, { minLength: 1, maxLength: 5 })
    .map((deltas) => ({ root: ROOT, baseRoot: BASE, kind: 1, deltas }) as const),
  fc
    .array(chunks, { minLength: 1, maxLength: 5 })
    .map((deltas) => ({ root: ROOT, baseRoot: BASE, kind: 0, deltas }) as const),
);

const plain = (entry: DeltaEntry): unknown =>
  JSON.parse(JSON.stringify(entry, (key, value) => (key === 'frame' ? Buffer.from(value).toString('hex') : value)));

/** The parts of an entry with a raw directory. */
const raw = (kind: number, directory: number[], frames: number[] = [], length = directory.length): Uint8Array =>
  Buffer.from([1, kind, 0, ...unhex(ROOT), ...unhex(BASE), length, ...directory, ...frames]);

describe('transfer: bytes of deltas', () => {
  it('reads back what was written, and writes the same again', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const encoded = encodeDeltas(entry);
        const decoded = decodeDeltas(encoded);
        assert.deepEqual(plain(decoded), plain(entry));
        assert.deepEqual(encodeDeltas(decoded), encoded);
      }),
      seeded(300),
    );
  });

  it('has these bytes', () => {
    const entry: DeltaEntry = {
      root: ROOT,
      baseRoot: BASE,
      kind: 0,
      deltas: [
        {
          files: [
            { path: 'ab\0c' as PathKey, base: 'ab\0c' as PathKey, targets: [[0, 1]], pieces: [[0, 0]] },
            {
              path: 'ab\0d' as PathKey,
              base: 'ab\0e' as PathKey,
              targets: [
                [3, 2],
                [9, 1],
              ],
              pieces: [
                [300, 5],
                [2, 7],
              ],
            },
          ],
          frame: Buffer.from('FRAME1'),
        },
        {
          files: [{ path: 'b' as PathKey, base: 'b' as PathKey, targets: [[7, 1]], pieces: [[1, 2]] }],
          frame: Buffer.from('F2'),
        },
      ],
    };
    // 2 frames | 2 files: path "ab/c", base the same, extents 0+1, bytes 0 to the end | shares 3, "d"; base shares 3, "e";
    // 2 runs: 3+2, then 4 on, 1; 2 runs: 300+5, then back by 303, 7 | 6 bytes | 1 file …
    const directory = Buffer.concat([
      Buffer.from([2, 2, 0, 4, 0x61, 0x62, 0, 0x63, 4, 0, 1, 0, 1, 1, 0, 0]),
      Buffer.from([3, 1, 0x64, 3, 1, 0x65, 2, 6, 2, 8, 1, 2, 0xd8, 4, 5, 0xdd, 4, 7, 6]),
      Buffer.from([1, 0, 1, 0x62, 1, 0, 1, 14, 1, 1, 2, 2, 2]),
    ]);
    const encoded = encodeDeltas(entry);
    assert.equal(
      Buffer.from(encoded).toString('hex'),
      Buffer.from(raw(0, [...directory], [...Buffer.from('FRAME1F2')])).toString('hex'),
    );
  });

  it('shares paths and compresses its directory', () => {
    const files = Array.from({ length: 500 }, (_, n) => ({
      path: `drivers\0net\0ethernet\0vendor\0file${1000 + n}.c` as PathKey,
      base: `drivers\0net\0ethernet\0vendor\0file${1000 + n}.c` as PathKey,
      targets: [[0, 1]] as [number, number][],
      pieces: [[0, 0]] as [number, number][],
    }));
    const encoded = encodeDeltas({ root: ROOT, baseRoot: BASE, kind: 0, deltas: [{ files, frame: Buffer.from('x') }] });
    assert.ok(encoded.length < 3000, `${encoded.length} bytes for 500 files`);
  });

  const refused: [what: string, bytes: Uint8Array, code: string, says: RegExp][] = [
    ['nothing', Buffer.alloc(0), 'protocol', /cut short/],
    ['another version', Buffer.from([2, ...raw(0, [1]).subarray(1)]), 'format', /version/],
    ['an unknown kind', raw(2, [1]), 'protocol', /kind/],
    ['an unknown codec', Buffer.from([1, 0, 2, ...raw(0, [1]).subarray(3)]), 'protocol', /codec/],
    ['no frames', raw(1, [0]), 'protocol', /limit/],
    ['a directory that is longer than the entry', raw(1, [1], [], 100), 'protocol', /malformed/],
    [
      'a directory of 2 MiB',
      Buffer.concat([raw(1, []).subarray(0, 67), Buffer.from([0x80, 0x80, 0x80, 1])]),
      'protocol',
      /length/,
    ],
    ['a number in two forms', raw(0, [0x81, 0]), 'protocol', /malformed/],
    ['an empty path', raw(0, [1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1], [9]), 'protocol', /path/],
    [
      'a path that shares more than there is',
      raw(0, [1, 1, 5, 1, 97, 1, 0, 1, 0, 1, 1, 0, 0, 1], [9]),
      'protocol',
      /path/,
    ],
    [
      'a path that could share more',
      raw(0, [1, 1, 0, 1, 97, 0, 1, 97, 1, 0, 1, 1, 0, 0, 1], [9]),
      'protocol',
      /shares more/,
    ],
    ['an empty run of extents', raw(0, [1, 1, 0, 1, 97, 1, 0, 1, 0, 0, 1, 0, 0, 1], [9]), 'protocol', /empty run/],
    ['a run before the first byte', raw(0, [1, 1, 0, 1, 97, 1, 0, 1, 1, 1, 1, 0, 0, 1], [9]), 'protocol', /run/],
    ['4097 extents', raw(0, [1, 1, 0, 1, 97, 1, 0, 1, 0, 0x81, 0x20, 1, 0, 0, 1], [9]), 'protocol', /may hold/],
    [
      'a base of 16 MiB',
      raw(0, [1, 1, 0, 1, 97, 1, 0, 1, 0, 1, 1, 0, 0x80, 0x80, 0x80, 8, 1], [9]),
      'protocol',
      /may hold/,
    ],
    ['a frame that is cut', raw(0, [1, 1, 0, 1, 97, 1, 0, 1, 0, 1, 1, 0, 0, 2], [9]), 'protocol', /cut short/],
    ['bytes behind the frames', raw(0, [1, 1, 0, 1, 97, 1, 0, 1, 0, 1, 1, 0, 0, 1], [9, 9]), 'protocol', /behind/],
    ['bytes behind the directory', raw(0, [1, 1, 0, 1, 97, 1, 0, 1, 0, 1, 1, 0, 0, 1, 7], [9]), 'protocol', /behind/],
  ];
  for (const [what, encoded, code, says] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decodeDeltas(encoded),
        (error: PlaitError) => {
          assert.equal(error.code, code, error.message);
          assert.match(error.message, says);
          return true;
        },
      );
    });
  }

  it('refuses or reads whatever was changed in it, and nothing else happens', () => {
    const random = new Random(7);
    let refusals = 0;
    for (const entry of fc.sample(entries, { numRuns: 60, seed: 3 })) {
      const encoded = encodeDeltas(entry);
      for (let n = 0; n < 60; n++) {
        const changed = Buffer.from(encoded.subarray(0, random.chance(0.3) ? random.below(encoded.length) : undefined));
        if (changed.length > 67) changed[67 + random.below(changed.length - 67)] ^= 1 << random.below(8);
        try {
          decodeDeltas(changed);
        } catch (error) {
          refusals++;
          assert.ok(error instanceof PlaitError && ['protocol', 'format'].includes(error.code), String(error));
        }
      }
    }
    assert.ok(refusals > 1000, `${refusals} refused`);
  });
});
