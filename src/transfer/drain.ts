/** Sends what is queued for a remote. */
import type { Drained, DrainOptions } from './drain-types.ts';

export type { Drained, DrainOptions } from './drain-types.ts';

export declare function drainQueue(options: DrainOptions): Promise<Drained>;
