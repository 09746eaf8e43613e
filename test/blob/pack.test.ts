import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { openBlock, verifyObjects } from '../../src/blob/block.ts';
import { readBlockAt, readDirectory, salvageBlocks, withFile } from '../../src/blob/pack.ts';
import { PackWriter } from '../../src/blob/pack-writer.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND } from '../../src/core/hash.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import { blockOf } from '../conformance/block-of.ts';
import { noise } from './noise.ts';

interface Golden {
  volset: VolsetId;
  blocks: string[];
  pack: string;
  file: string;
}
const golden = JSON.parse(fs.readFileSync(new URL('../fixtures/blob/pack.json', import.meta.url), 'utf8')) as Golden;
const OTHER = 'f'.repeat(32) as VolsetId;

describe('pack', () => {
  let dir: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plait-pack-'));
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  const file = (bytes: Uint8Array): string => {
    const name = path.join(dir, 'pack');
    fs.writeFileSync(name, bytes);
    return name;
  };
  const directory = (bytes: Uint8Array, volset = golden.volset, pack?: string) =>
    withFile(file(bytes), (fd) => readDirectory(fd, volset, pack));
  const salvaged = (bytes: Uint8Array): number =>
    withFile(file(bytes), (fd) => [...salvageBlocks(fd, golden.volset)].length);
  const bytes = Buffer.from(golden.file, 'hex');

  it('is written as the golden one', async () => {
    const writer = new PackWriter(path.join(dir, 'new'), golden.volset);
    for (const block of golden.blocks) writer.append(Buffer.from(block, 'hex'));
    const sealed = await writer.seal();
    assert.equal(sealed.pack, golden.pack);
    assert.equal(sealed.objects, 3);
    assert.equal(fs.readFileSync(sealed.path).toString('hex'), golden.file);
    assert.equal(fs.statSync(sealed.path).mode & 0o777, 0o600);
  });

  it('is read as the golden one', () => {
    const name = file(bytes);
    withFile(name, (fd) => {
      const { pack, blocks } = readDirectory(fd, golden.volset, golden.pack);
      assert.equal(pack, golden.pack);
      assert.deepEqual(
        blocks.map((block) => readBlockAt(fd, block.offset).toString('hex')),
        golden.blocks,
      );
      assert.equal([...salvageBlocks(fd, golden.volset)].length, 2);
    });
  });

  it('refuses any changed byte outside the payloads', () =>
    fc.assert(
      fc.property(fc.integer({ min: 130, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] ^= flip;
        if (at < bytes.length - 56 - bytes.readUInt32LE(bytes.length - 48)) return;
        assert.throws(() => directory(changed), PlaitError);
      }),
    ));

  it('refuses files cut anywhere, and reads the blocks that are whole', () => {
    const ends = [32 + golden.blocks[0].length / 2, 32 + (golden.blocks[0].length + golden.blocks[1].length) / 2];
    for (let length = 32; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      assert.throws(() => directory(cut), PlaitError, `cut at ${length}`);
      assert.equal(salvaged(cut), ends.filter((end) => end <= length).length, `cut at ${length}`);
    }
  });

  it('refuses another volset, another name, a newer version', () => {
    assert.throws(() => directory(bytes, OTHER), /another volume set/);
    assert.throws(() => directory(bytes, golden.volset, '0'.repeat(64)), /not the pack that its name says/);
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(2, 8);
    assert.throws(
      () => directory(newer),
      (error: unknown) => error instanceof PlaitError && error.code === 'format',
    );
  });

  it('believes no length before it is checked', () => {
    const huge = Buffer.from(bytes);
    huge.writeUInt32LE(0xffffffff, huge.length - 48);
    assert.throws(() => directory(huge), /wrong directory length/);
    const far = Buffer.from(bytes);
    far.writeBigUInt64LE(2n ** 63n, far.length - 56);
    assert.throws(() => directory(far), /wrong directory length/);
  });

  it('holds what was appended, across many blocks', async () => {
    const writer = new PackWriter(path.join(dir, 'many'), golden.volset);
    const blocks = Array.from({ length: 40 }, (_, n) => blockOf((n % 4) as 0 | 1 | 2 | 3, [noise(n, 1000 + n)]));
    const offsets = blocks.map((block) => writer.append(block));
    assert.ok(!writer.full && !writer.empty);
    const { path: name, pack } = await writer.seal();
    withFile(name, (fd) => {
      const read = readDirectory(fd, golden.volset, pack).blocks;
      assert.deepEqual(
        read.map((block) => block.offset),
        offsets,
      );
      for (const [n, { offset }] of read.entries()) {
        assert.ok(readBlockAt(fd, offset).equals(blocks[n]));
        verifyObjects(openBlock(blocks[n]));
      }
    });
  });

  it('refuses to append what is no block', () => {
    const writer = new PackWriter(path.join(dir, 'bad'), golden.volset);
    const block = blockOf(KIND.chunk, [noise(1, 100)]);
    assert.throws(() => writer.append(block.subarray(1)), PlaitError);
    assert.throws(() => writer.append(Buffer.concat([block, block])), PlaitError);
    assert.ok(writer.empty);
    writer.discard();
  });
});
