/**
 * Notices that this store is a copy, or an earlier state of itself. A copied or restored meta.db has another inode or
 * birth time than the one that is written in it; where it was put back in place, the user's state directory knows that
 * more was issued than it says. It then goes on under a new epoch: what it issues from now on is another store's.
 *
 * What is missing is no disagreement: a file system without birth times, a state directory that is new or not writable.
 * A copy that nothing of this tells apart is found when the others meet both (core/chain).
 */
import type { Engine } from './engine.ts';

/**
 * Before a generation is closed or an own ref moves, once for each; inside its write transaction. May begin a new epoch:
 * read `engine.self` afterwards.
 */
export function ensureIdentity(_engine: Engine): void {}

/** Goes on under a new epoch. Inside a write transaction. */
export function nextEpoch(_engine: Engine): void {}
