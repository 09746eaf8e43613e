/**
 * Run by decoders.test.ts in a process with little memory: every decoder gets bytes cut, flipped and blown up. Each call
 * ends in a value or in a PlaitError. Prints how often which was.
 */
import { PlaitError } from '../../src/core/errors.ts';
import { FIXED_SEED, Random, replayedSeed } from '../support/seed.ts';
import { decoders, MADE, variants } from './decoder-list.ts';

const random = new Random(replayedSeed ?? FIXED_SEED);
const counts: Record<string, { fine: number; refused: number }> = {};
const all = await decoders();
for (const decoder of all) {
  const count = { fine: 0, refused: 0 };
  counts[decoder.name] = count;
  await decoder.decode(decoder.sound);
  for (const bytes of variants(decoder, random)) {
    try {
      await decoder.decode(bytes);
      count.fine++;
    } catch (error) {
      if (!(error instanceof PlaitError)) {
        throw new Error(
          `${decoder.name} threw ${String(error)} for ${Buffer.from(bytes.subarray(0, 200)).toString('hex')}`,
          { cause: error },
        );
      }
      count.refused++;
    }
  }
}
for (const { name, decode, make } of MADE) {
  counts[name] = { fine: 0, refused: 0 };
  try {
    decode(make());
    counts[name].fine++;
  } catch (error) {
    if (!(error instanceof PlaitError)) throw error;
    counts[name].refused++;
  }
}
process.stdout.write(JSON.stringify({ counts, maxRssKiB: process.resourceUsage().maxRSS }));
