/** Random ids, from the one source of randomness. */
import type { BranchId, VolsetId } from '../core/ids.ts';
import type { World } from './engine.ts';

const random128 = (world: Pick<World, 'random'>): string => world.random(16).toString('hex');

export const newBranchId = (world: Pick<World, 'random'>): BranchId => random128(world) as BranchId;
export const newVolsetId = (world: Pick<World, 'random'>): VolsetId => random128(world) as VolsetId;
