/** Who answers is not who answered before: said by whoever notices first, the connection or the session. */
import { PlaitError } from './errors.ts';

const HINT =
  'check its address with `plait remote list`; if it was replaced on purpose, say so with --accept-new-identity';

/** `who`: the remote's name or address. */
export const anotherStore = (who: string, data: Record<string, unknown>, hint = HINT): PlaitError =>
  new PlaitError('identity', `${who} is another store than before`, { hint, data });
