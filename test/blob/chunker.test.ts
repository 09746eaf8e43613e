import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { CHUNK, CutSelector, candidates, cuts, isHole, isZero } from '../../src/blob/chunker.ts';
import { GEAR, LOOSE_SHIFT, STRICT_SHIFT, WINDOW } from '../../src/blob/gear.ts';
import { noise } from './noise.ts';

/** The definition, position by position. */
function slowCuts(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  const hashes = new Uint32Array(bytes.length + 1);
  for (let p = 1, h = 0; p <= bytes.length; p++) {
    h = ((h << 1) + GEAR[bytes[p - 1]]) | 0;
    hashes[p] = h;
  }
  for (let start = 0; start < bytes.length; ) {
    let p = Math.min(bytes.length, start + CHUNK.min);
    const limit = Math.min(bytes.length, start + CHUNK.max);
    const matches = (at: number): boolean =>
      hashes[at] >>> (at - start < CHUNK.normal ? STRICT_SHIFT : LOOSE_SHIFT) === 0;
    while (p < limit && !matches(p)) p++;
    ends.push(p);
    start = p;
  }
  return ends;
}

function segmentedCuts(bytes: Buffer, segment: number): number[] {
  const selector = new CutSelector(bytes.length);
  const ends: number[] = [];
  for (let begin = 0; begin < bytes.length; begin += segment) {
    const end = Math.min(bytes.length, begin + segment);
    // As a worker sees it: the segment and the window before it, at some place in its own memory.
    const before = Math.min(WINDOW, begin);
    const part = Buffer.from(bytes.subarray(begin - before, end));
    ends.push(...selector.push(candidates(part, before, part.length), end));
  }
  return ends;
}

/** Noise, zeros, repeated lines and text in pieces of all sizes. */
const structured = fc
  .array(
    fc.record({
      kind: fc.constantFrom('noise', 'zeros', 'lines', 'byte'),
      length: fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.integer({ min: 1, max: 400_000 })),
      seed: fc.integer({ min: 0, max: 1000 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((pieces) => Buffer.concat(pieces.map(({ kind, length, seed }) => piece(kind, length, seed))));

function piece(kind: string, length: number, seed: number): Buffer {
  if (kind === 'noise') return noise(seed, length);
  if (kind === 'zeros') return Buffer.alloc(length);
  if (kind === 'byte') return Buffer.alloc(length, seed & 255);
  return Buffer.alloc(length, `line ${seed} of a file that repeats itself\n`);
}

describe('blob/chunker', () => {
  it('cuts where the definition says', () => {
    fc.assert(
      fc.property(structured, (bytes) => {
        assert.deepEqual(cuts(bytes), slowCuts(bytes));
      }),
      { numRuns: 25 },
    );
  });

  it('finds the same cuts segment by segment, whatever the segments', () => {
    const sizes = fc.constantFrom(100, 8_191, 65_536, 262_144, 300_001, 1 << 20);
    fc.assert(
      fc.property(structured, sizes, (bytes, segment) => {
        assert.deepEqual(segmentedCuts(bytes, segment), cuts(bytes));
      }),
      { numRuns: 40 },
    );
  });

  it('keeps chunks within their limits and near 64 KiB on average', () => {
    const bytes = noise(7, 24 << 20);
    const ends = cuts(bytes);
    const lengths = ends.map((end, n) => end - (ends[n - 1] ?? 0));
    assert.equal(ends.at(-1), bytes.length);
    for (const length of lengths.slice(0, -1)) assert.ok(length >= CHUNK.min && length <= CHUNK.max, `${length}`);
    const average = bytes.length / lengths.length;
    assert.ok(average > 55_000 && average < 75_000, `average ${average}`);
  });

  it('leaves a file of at most the smallest size whole, and cuts nothing from an empty one', () => {
    assert.deepEqual(cuts(noise(1, CHUNK.min)), [CHUNK.min]);
    assert.deepEqual(cuts(Buffer.of(1)), [1]);
    assert.deepEqual(cuts(Buffer.alloc(0)), []);
  });

  it('never makes a run of one byte value a candidate, so zeros are cut at the largest size', () => {
    for (let value = 0; value < 256; value++) {
      assert.deepEqual([...candidates(Buffer.alloc(200, value), 0, 200)], [], `byte ${value}`);
    }
    const zeros = Buffer.alloc(CHUNK.max * 2 + 5);
    assert.deepEqual(cuts(zeros), [CHUNK.max, CHUNK.max * 2, CHUNK.max * 2 + 5]);
    assert.deepEqual(segmentedCuts(zeros, 100_000), cuts(zeros));
    assert.equal(isHole(zeros, 0, CHUNK.max), true);
    assert.equal(isHole(zeros, CHUNK.max * 2, zeros.length), false, 'only whole largest chunks are holes');
  });

  it('sees a single byte that is not zero, wherever it is', () => {
    for (const at of [0, 1, 262_143, 262_144, 262_145, 599_999]) {
      const bytes = Buffer.alloc(600_000);
      bytes[at] = 1;
      assert.equal(isZero(bytes, 0, bytes.length), false, `byte ${at}`);
      assert.equal(isZero(bytes, at + 1, bytes.length), true);
    }
  });

  it('finds its way back after an inserted byte', () => {
    const bytes = noise(3, 4 << 20);
    const at = 1_000_000;
    const changed = Buffer.concat([bytes.subarray(0, at), Buffer.of(42), bytes.subarray(at)]);
    const before = new Set(cuts(bytes).map((end) => (end > at ? end + 1 : end)));
    const moved = cuts(changed).filter((end) => !before.has(end));
    assert.ok(moved.length <= 8, `${moved.length} cuts moved`);
  });

  it('cuts known data at the positions of format version 1', () => {
    const fixture = JSON.parse(readFileSync(new URL('../fixtures/blob/chunker.json', import.meta.url), 'utf8'));
    assert.equal(createHash('sha256').update(Buffer.from(GEAR.buffer)).digest('hex'), fixture.gearSha256);
    for (const { kind, seed, length, ends } of fixture.cuts) {
      assert.deepEqual(cuts(piece(kind, length, seed)), ends, `${kind} ${seed}`);
    }
  });
});
