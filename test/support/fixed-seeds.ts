/** Loaded before every normal run: generated tests play the same cases each time, and PLAIT_SEED others. */
import fc from 'fast-check';
import { FIXED_SEED, replayedSeed } from './seed.ts';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: replayedSeed ?? FIXED_SEED });
