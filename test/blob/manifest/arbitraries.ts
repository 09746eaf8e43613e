/** What random trees are drawn from (trees.ts). */
import fc from 'fast-check';
import type { Shape } from './trees.ts';

export const shape = fc.constantFrom<Shape>('plain', 'heavy', 'no-boundary', 'every-boundary');
export const seed = fc.integer({ min: 1, max: 1 << 30 });
export const size = fc.oneof(fc.constantFrom(0, 1, 2, 16, 17), fc.integer({ min: 0, max: 2500 }));
