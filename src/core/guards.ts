/** Guards: pure questions about a plan, asked before it is applied. */

/** Share that may go unasked. On a terminal somebody can be asked; without one the guard is always on. */
export const DEFAULT_MAX_DELETE = 0.5;

/** Below this many, a share says nothing: deleting two of three files is an ordinary edit. */
const FEW = 10;

/**
 * True when `deleted` of `total` things is more than the share `max` (0..1) allows. Everything gone is always too many
 * unless `max` is 1: that is what an unmounted disk looks like.
 */
export function tooManyDeleted({ deleted, total, max }: { deleted: number; total: number; max: number }): boolean {
  if (deleted === 0 || max >= 1) return false;
  if (deleted >= total) return true;
  return deleted >= FEW && deleted / total > max;
}
