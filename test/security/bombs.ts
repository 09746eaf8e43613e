/** Data that is small and says that it is large. */
import { BLOCK_HEADER, blockCrc, TABLE_ROW } from '../../src/blob/block.ts';

/** 10 GB of zeros as one zstd frame of 320 KB: 80,000 blocks of one repeated byte. It does not say how long it is. */
export function tenGigabytes(): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
  const repeated = Buffer.alloc(4);
  repeated.writeUIntLE((1 << 1) | (131_072 << 3), 0, 3);
  const blocks = Array.from({ length: 80_000 }, () => repeated);
  return Buffer.concat([header, ...blocks, Buffer.from([1, 0, 0])]);
}

/** One object of `rawLength` bytes, or so it says. */
export function blockOf(frame: Uint8Array, rawLength: number): Buffer {
  const head = Buffer.alloc(BLOCK_HEADER + TABLE_ROW);
  head.write('PLTB');
  head[4] = 1;
  // Generations may be as long as a block.
  head[5] = 3;
  head[6] = 1;
  head.writeUInt32LE(1, 8);
  head.writeUInt32LE(rawLength, 12);
  head.writeUInt32LE(frame.length, 16);
  head.writeUInt32LE(rawLength, BLOCK_HEADER);
  const block = Buffer.concat([head, frame]);
  block.writeUInt32LE(blockCrc(block), 20);
  return block;
}
