/** Class 11: lying lengths, bombs, nesting. Nothing that comes from a peer or a disk costs memory beyond its bounds. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { openBlock } from '../../src/blob/block.ts';
import { decodeDelta } from '../../src/blob/delta.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND, objectHash } from '../../src/core/hash.ts';
import { writeVarint } from '../../src/core/varint.ts';
import { decodeDeltas } from '../../src/transfer/delta-format.ts';
import { blockOf } from './bombs.ts';

const inLittleMemory = (script: string): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, ['--max-old-space-size=256', join(import.meta.dirname, script)], {
    timeout: 100_000,
    maxBuffer: 1 << 24,
  });

describe('security: decoders', function () {
  this.timeout(120_000);

  it('give a value or a PlaitError for anything, in a heap of 256 MB', async () => {
    const { stdout } = await inLittleMemory('decoders-run.ts');
    const { counts, maxRssKiB } = JSON.parse(stdout) as {
      counts: Record<string, { fine: number; refused: number }>;
      maxRssKiB: number;
    };
    assert.ok(Object.keys(counts).length >= 20, stdout);
    for (const [name, { refused }] of Object.entries(counts)) assert.ok(refused > 0 || name === 'error body', name);
    assert.ok(maxRssKiB < 700 * 1024, `${maxRssKiB} KiB at most`);
  });

  it('a bomb of 10 GB in 320 KB ends at the length that was declared for it', async () => {
    const { stdout } = await inLittleMemory('bomb-run.ts');
    const { codes, grownKiB } = JSON.parse(stdout) as { codes: string[]; grownKiB: number };
    assert.deepEqual(codes, ['block integrity', 'delta nothing']);
    assert.ok(grownKiB < 64 * 1024, `${grownKiB} KiB`);
  });

  describe('a zstd frame is one frame', () => {
    const raw = Buffer.alloc(5000, 'text ');
    const frame = zstdCompressSync(raw);
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    const rows: [what: string, bytes: Buffer][] = [
      ['trailing bytes', Buffer.concat([frame, Buffer.from('x')])],
      ['a second frame', Buffer.concat([frame, zstdCompressSync(Buffer.alloc(0))])],
      ['a skippable frame behind it', Buffer.concat([frame, skippable])],
      ['a skippable frame before it', Buffer.concat([skippable, frame])],
      ['nothing', Buffer.alloc(0)],
      ['a window of 128 MB', Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x88]), Buffer.from([1, 0, 0])])],
    ];
    const refused = (work: () => unknown): void =>
      assert.throws(work, (error: unknown) => error instanceof PlaitError && error.code === 'protocol');
    const target = { kind: KIND.chunk, id: objectHash(KIND.chunk, raw), length: raw.length };

    it('that is taken by itself', () => {
      assert.equal(openBlock(blockOf(frame, raw.length)).rawLength, raw.length);
      assert.ok(decodeDelta(frame, Buffer.from('dictionary of nothing'), [target])[0]);
      assert.equal(decodeDeltas(directoryOf(DIRECTORY, zstdCompressSync(DIRECTORY))).deltas.length, 60);
    });
    for (const [what, bytes] of rows) {
      it(`with ${what} is refused in a block, a delta and a directory of deltas`, () => {
        if (bytes.length > 0) refused(() => openBlock(blockOf(bytes, raw.length)));
        refused(() => decodeDelta(bytes, Buffer.from('dictionary of nothing'), [target]));
        const extra = bytes.length - frame.length;
        const packed = zstdCompressSync(DIRECTORY);
        const doctored =
          bytes.indexOf(frame) < 0
            ? bytes
            : Buffer.concat([
                bytes.subarray(0, bytes.indexOf(frame)),
                packed,
                bytes.subarray(bytes.length - extra + bytes.indexOf(frame)),
              ]);
        refused(() => decodeDeltas(directoryOf(DIRECTORY, doctored)));
      });
    }
  });
});

/** Sixty deltas of nodes, one target and one base each. */
const DIRECTORY = Buffer.concat([
  Buffer.from([60]),
  ...Array.from({ length: 60 }, () =>
    Buffer.concat([Buffer.from([1]), Buffer.alloc(32, 1), Buffer.from([5, 1]), Buffer.alloc(32, 2), Buffer.from([1])]),
  ),
]);

/** An entry of deltas whose directory is stored as given. */
function directoryOf(directory: Buffer, stored: Buffer): Buffer {
  const varint = (value: number): Buffer => {
    const to = Buffer.alloc(8);
    return to.subarray(0, writeVarint(to, 0, value));
  };
  const head = Buffer.concat([
    Buffer.from([1, 1, 1]),
    Buffer.alloc(64, 7),
    varint(directory.length),
    varint(stored.length),
  ]);
  return Buffer.concat([head, stored, Buffer.alloc(60)]);
}
