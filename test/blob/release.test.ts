import assert from 'node:assert/strict';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { release } from '../../src/blob/release.ts';

const decompressed = (length: number): Buffer =>
  zstdDecompressSync(zstdCompressSync(Buffer.alloc(length, 'abc')), { chunkSize: Math.max(64, length + 1) });

describe('blob: giving memory back', () => {
  it('empties large buffers, their views with them', () => {
    for (const bytes of [Buffer.allocUnsafeSlow(1 << 20), decompressed(1 << 20), new Uint8Array(1 << 20)]) {
      const view = bytes.subarray(10, 20);
      release(bytes);
      assert.equal(bytes.length, 0);
      assert.equal(view.length, 0);
    }
  });

  it('leaves alone what may share its memory with others', () => {
    const sizes = [1, 100, 1000, 10_000, Buffer.poolSize / 2 - 1, Buffer.poolSize / 2, Buffer.poolSize];
    for (const size of sizes) {
      for (const bytes of [Buffer.allocUnsafe(size), decompressed(size), Buffer.concat([Buffer.alloc(size)])]) {
        release(bytes);
        assert.equal(bytes.length, size);
      }
    }
  });
});
