/** Who answers is not who answered before: said by whoever notices first, the connection or the session. */
import { PlaitError } from './errors.ts';
import { installOf, type StoreId } from './ids.ts';

const HINT =
  'check its address with `plait remote list`; if it was replaced on purpose, say so with --accept-new-identity';

/** `who`: the remote's name or address. */
export const anotherStore = (who: string, data: Record<string, unknown>, hint = HINT): PlaitError =>
  new PlaitError('identity', `${who} is another store than before`, { hint, data });

/**
 * Whoever answers must be who answered before in this session, and the install remembered from earlier ones; another
 * epoch of it may be.
 */
export function recognise(
  who: string,
  found: StoreId,
  { current, remembered }: { current?: StoreId; remembered?: StoreId },
): void {
  const changed = current !== undefined && current !== found;
  if (!changed && (remembered === undefined || installOf(remembered) === installOf(found))) return;
  const data = { url: who, expected: current ?? remembered, found };
  throw anotherStore(who, data, changed ? 'it changed in the middle of this command; run it again' : undefined);
}
