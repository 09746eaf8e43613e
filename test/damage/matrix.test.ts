import { FIXED_SEED, Random, replayedSeed } from '../support/seed.ts';
import { KINDS, Matrix, WAYS } from './matrix.ts';
import { inProcess } from './programs.ts';

/** Flips per kind of file; the soak has many more. */
const FLIPS = 3;

describe('damage matrix', function () {
  this.timeout(60_000);
  const random = new Random(replayedSeed ?? FIXED_SEED);
  let matrix: Matrix;
  before(async () => {
    matrix = new Matrix(inProcess);
    await matrix.prepare();
  });
  after(() => matrix[Symbol.asyncDispose]());

  for (const kind of KINDS)
    for (const way of WAYS.filter((one) => one in kind.verdicts))
      it(`${kind.name}, ${way}: is named, or nothing is lost`, async () => {
        for (let n = 0; n < (way === 'flipped' ? FLIPS : 1); n++) await matrix.trial(kind, way, random);
      });
});
