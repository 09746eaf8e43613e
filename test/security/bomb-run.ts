/** Run by decoders.test.ts: opens bombs and prints how each ended, and what memory it took. */
import { openBlock } from '../../src/blob/block.ts';
import { decodeDelta } from '../../src/blob/delta.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND } from '../../src/core/hash.ts';
import { blockOf, tenGigabytes } from './bombs.ts';

const bomb = tenGigabytes();
const target = { kind: KIND.chunk, id: Buffer.alloc(32), length: 262_144 };
const rows: Record<string, () => unknown> = {
  block: () => openBlock(blockOf(bomb, 4 * 1024 * 1024)),
  delta: () => decodeDelta(bomb, Buffer.alloc(1000, 'a'), [target, target, target, target]),
};

const before = process.resourceUsage().maxRSS;
const codes = Object.entries(rows).map(([name, open]) => {
  try {
    // A delta that decodes to other bytes than it should answers with nothing, and is asked for plainly.
    const opened = open();
    return Array.isArray(opened) && opened.every((bytes) => bytes === undefined) ? `${name} nothing` : `${name} taken`;
  } catch (error) {
    if (error instanceof PlaitError) return `${name} ${error.code}`;
    throw error;
  }
});
process.stdout.write(JSON.stringify({ codes, grownKiB: process.resourceUsage().maxRSS - before }));
