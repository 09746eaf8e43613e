/** The damage matrix with the spawned program and many flips. PLAIT_SOAK_FLIPS = flips per kind of file (100). */
import { randomInt } from 'node:crypto';
import { KINDS, Matrix, WAYS } from '../damage/matrix.ts';
import { inProcess, spawned } from '../damage/programs.ts';
import { Random, replayedSeed } from '../support/seed.ts';

const FLIPS = Number(process.env['PLAIT_SOAK_FLIPS'] ?? 100);

describe('soak: damage matrix', () => {
  const seed = replayedSeed ?? randomInt(2 ** 31);
  for (const [name, program, flips] of [
    ['of the program', spawned, 3],
    [`in process, ${FLIPS} flips each, PLAIT_SEED=${seed}`, inProcess, FLIPS],
  ] as const)
    it(`${name}: all is named, or nothing is lost`, async () => {
      const random = new Random(seed);
      await using matrix = new Matrix(program);
      await matrix.prepare();
      for (const kind of KINDS)
        for (const way of WAYS.filter((one) => one in kind.verdicts))
          for (let n = 0; n < (way === 'flipped' || way === 'truncated' ? flips : 1); n++)
            await matrix.trial(kind, way, random);
    });
});
